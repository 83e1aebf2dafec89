//! `SendMfaCode`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::World;

const SEND: &str = "/v1/login/mfa/challenge";

#[tokio::test]
async fn a_code_is_sent_to_a_factor_that_counts_only() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    world.enrol(&alice).await;
    let token = world.challenge("alice").await;
    for kind in ["email", "sms"] {
        let body = json!({"mfaToken": token, "mfaType": kind});
        let answer = world.post_openly(SEND, body).await;
        answer.refuses(ErrorReason::FactorUnavailable);
    }
    let app = json!({"mfaToken": token, "mfaType": "app"});
    let answer = world.post_openly(SEND, app).await;
    answer.refuses(ErrorReason::InvalidRequest);
    let forged = json!({"mfaToken": "gpm_AAAA", "mfaType": "email"});
    let answer = world.post_openly(SEND, forged).await;
    answer.refuses(ErrorReason::MfaTokenInvalid);
}
