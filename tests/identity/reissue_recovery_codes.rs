//! `ReissueRecoveryCodes`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::{World, texts};

#[tokio::test]
async fn the_new_ones_are_good_and_the_old_ones_are_not() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa/recovery-codes", alice.id);
    let none = world.post(&alice, &path, json!({})).await;
    none.refuses(ErrorReason::FactorUnavailable);
    let app = world.enrol(&alice).await;
    let weak = world.post(&alice, &path, json!({})).await;
    weak.refuses(ErrorReason::StrongerSignInNeeded);
    let strong = world.sign_in_twice("alice", &app.recovery_codes[0]).await;
    let answer = world.post(&strong, &path, json!({})).await;
    let codes = texts(&answer.is(200)["recoveryCodes"]);
    assert_eq!(codes.len(), 10);
    let challenge = world.challenge("alice").await;
    let old = world
        .meet(&challenge, "recoveryCode", &app.recovery_codes[1])
        .await;
    old.refuses(ErrorReason::MfaCodeInvalid);
    world
        .meet(&challenge, "recoveryCode", &codes[9])
        .await
        .is(200);
    let other = world.post(&world.admin, &path, json!({})).await;
    other.refuses(ErrorReason::NotOneself);
}
