//! `DeletePasskey`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_passkey_that_is_gone_opens_nothing() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let added = world.add_passkey(&alice).await;
    let list = format!("/v1/users/{}/passkeys", alice.id);
    let path = format!("{list}/{}", added.id);
    let weak = world.delete(&alice, &path).await;
    weak.refuses(ErrorReason::StrongerSignInNeeded);
    let strong = world.sign_in_by(&added.key).await;
    let nothing = world.delete(&strong, &format!("{list}/{NOBODY}")).await;
    nothing.refuses(ErrorReason::NotFound);
    let bob = world.person("bob", &[]).await;
    for other in [&world.admin, &bob] {
        let refused = world.delete(other, &path).await;
        refused.refuses(ErrorReason::NotOneself);
    }
    let swapped = format!("/v1/users/{}/passkeys/{}", bob.id, added.id);
    world
        .delete(&bob, &swapped)
        .await
        .refuses(ErrorReason::NotFound);
    world.delete(&strong, &path).await.is(204);
    let begun = world.begin_passkey(json!({})).await;
    let signed = added.key.sign(&begun.options);
    let gone = world.finish_passkey(&begun, &signed).await;
    gone.refuses(ErrorReason::PasskeyInvalid);
    // It was the last factor: nothing that came with it is left.
    let path = format!("/v1/users/{}/mfa", alice.id);
    let status = world.get(&alice, &path).await;
    assert_eq!(status.is(200)["recoveryCodesLeft"], 0);
    assert!(world.knock("alice").await.get("mfaRequired").is_none());
    world
        .delete(&strong, &format!("{list}/{}", added.id))
        .await
        .refuses(ErrorReason::NotFound);
}

#[tokio::test]
async fn who_must_have_a_factor_keeps_the_last_one() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let first = world.add_passkey(&alice).await;
    let strong = world.sign_in_by(&first.key).await;
    let second = world.add_passkey(&strong).await;
    let policy = json!({"mode": "required", "methods": ["passkey"]});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
    let path = |id: &str| format!("/v1/users/{}/passkeys/{id}", alice.id);
    world.delete(&strong, &path(&first.id)).await.is(204);
    let last = world.delete(&strong, &path(&second.id)).await;
    last.refuses(ErrorReason::FactorRequired);
    assert_eq!(world.sign_in_by(&second.key).await.id, alice.id);
}

#[tokio::test]
async fn whoever_resets_factors_resets_passkeys() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let added = world.add_passkey(&alice).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    world.delete(&world.admin, &path).await.is(204);
    let list = format!("/v1/users/{}/passkeys", alice.id);
    assert_eq!(
        world.get(&alice, &list).await.is(200),
        &json!({"items": []})
    );
    let begun = world.begin_passkey(json!({})).await;
    let signed = added.key.sign(&begun.options);
    let gone = world.finish_passkey(&begun, &signed).await;
    gone.refuses(ErrorReason::PasskeyInvalid);
    // With a proof she removes them all herself.
    let added = world.add_passkey(&alice).await;
    let disable = format!("{path}/disable");
    let proof = json!({"mfaType": "passkey", "recoveryCode": added.recovery_codes[0]});
    let answer = world.post(&alice, &disable, proof).await;
    assert_eq!(answer.is(200)["enabled"], false);
    assert_eq!(
        world.get(&alice, &list).await.is(200),
        &json!({"items": []})
    );
}
