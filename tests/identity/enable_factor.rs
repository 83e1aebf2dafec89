//! `EnableFactor`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_factor_that_was_proved_is_confirmed() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa/enable", alice.id);
    let body = json!({"mfaType": "app", "recoveryCode": "AAAAA-AAAAA", "secret": "ABC"});
    let early = world.post(&alice, &path, body.clone()).await;
    early.refuses(ErrorReason::FactorUnavailable);
    world.enrol(&alice).await;
    let answer = world.post(&alice, &path, body.clone()).await;
    assert_eq!(answer.is(200), &json!({"enabled": true}));
    world.post(&alice, &path, body.clone()).await.is(200);
    let other = world.post(&world.admin, &path, body).await;
    other.refuses(ErrorReason::NotOneself);
}
