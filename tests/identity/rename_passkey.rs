//! `RenamePasskey`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::{NOBODY, World};

#[tokio::test]
async fn one_calls_ones_own_what_one_likes() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let added = world.add_passkey(&alice).await;
    let list = format!("/v1/users/{}/passkeys", alice.id);
    let path = format!("{list}/{}", added.id);
    let answer = world
        .patch(&alice, &path, json!({"name": "  Chave da Ana "}))
        .await;
    answer.is(204);
    let listed = world.get(&alice, &list).await;
    assert_eq!(listed.is(200)["items"][0]["name"], "Chave da Ana");
    for bad in ["", "a\nb", &"x".repeat(65)] {
        let refused = world.patch(&alice, &path, json!({"name": bad})).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    let nothing = world
        .patch(&alice, &format!("{list}/{NOBODY}"), json!({"name": "x"}))
        .await;
    nothing.refuses(ErrorReason::NotFound);
    for other in [&world.admin, &world.person("bob", &[]).await] {
        let refused = world.patch(other, &path, json!({"name": "x"})).await;
        refused.refuses(ErrorReason::NotOneself);
    }
    let bob = world.sign_in("bob").await;
    let his = format!("/v1/users/{}/passkeys/{}", bob.id, added.id);
    let swapped = world.patch(&bob, &his, json!({"name": "x"})).await;
    swapped.refuses(ErrorReason::NotFound);
    let listed = world.get(&alice, &list).await;
    assert_eq!(listed.is(200)["items"][0]["name"], "Chave da Ana");
}
