//! `SendMfaProof`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_code_is_sent_to_ones_own_factor_only() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    world.enrol(&alice).await;
    let path = format!("/v1/users/{}/mfa/disable/challenge", alice.id);
    for body in [json!({}), json!({"mfaType": "sms"})] {
        let answer = world.post(&alice, &path, body).await;
        answer.refuses(ErrorReason::FactorUnavailable);
    }
    let other = world.post(&world.admin, &path, json!({})).await;
    other.refuses(ErrorReason::NotOneself);
}
