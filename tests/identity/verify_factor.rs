//! `VerifyFactor`.

use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn the_secret_need_not_come_back_and_is_not_believed_when_it_does() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    let set_up = json!({"mfaType": "app"});
    let told = world.post(&alice, &format!("{path}/setup"), set_up).await;
    let secret = told.is(200)["secret"].as_str().unwrap();
    let verify = format!("{path}/verify");
    // A secret of the client's own choice proves nothing.
    let own = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let body = json!({"mfaType": "app", "passcode": world.passcode(own, 0), "secret": own});
    let forged = world.post(&alice, &verify, body).await;
    forged.refuses(ErrorReason::MfaCodeInvalid);
    let body = json!({
        "mfaType": "app", "passcode": world.passcode(secret, 0), "secret": secret,
        "countryCode": "BR",
    });
    let answer = world.post(&alice, &verify, body.clone()).await;
    assert_eq!(answer.is(200), &json!({"verified": true}));
    let status = world.get(&alice, &path).await;
    assert_eq!(status.is(200)["methods"], json!(["app"]));
    let again = world.post(&alice, &verify, body).await;
    again.refuses(ErrorReason::MfaCodeInvalid);
}

#[tokio::test]
async fn it_is_tried_five_times() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    let set_up = json!({"mfaType": "app"});
    let told = world.post(&alice, &format!("{path}/setup"), set_up).await;
    let secret = told.is(200)["secret"].as_str().unwrap();
    let verify = format!("{path}/verify");
    let wrong = json!({"mfaType": "app", "passcode": "000000"});
    for _ in 0..5 {
        let answer = world.post(&alice, &verify, wrong.clone()).await;
        answer.refuses(ErrorReason::MfaCodeInvalid);
    }
    let right = json!({"mfaType": "app", "passcode": world.passcode(secret, 0)});
    let late = world.post(&alice, &verify, right).await;
    late.refuses(ErrorReason::MfaCodeInvalid);
    assert_eq!(world.get(&alice, &path).await.is(200)["enabled"], false);
    let log = world
        .get(&world.admin, "/v1/audit-events?limit=100&action=mfa.refuse")
        .await;
    let events = log.is(200)["items"].as_array().unwrap();
    assert_eq!(events.len(), 6);
    assert!(
        events
            .iter()
            .all(|event| event["reason"] == "MFA_CODE_INVALID")
    );
}

#[tokio::test]
async fn nobody_proves_the_factor_of_somebody_else() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mallory = world.person("mallory", &[]).await;
    let set_up = json!({"mfaType": "app"});
    let path = format!("/v1/users/{}/mfa/setup", mallory.id);
    let told = world.post(&mallory, &path, set_up).await;
    let secret = told.is(200)["secret"].as_str().unwrap();
    let body = json!({"mfaType": "app", "passcode": world.passcode(secret, 0)});
    let hers = format!("/v1/users/{}/mfa/verify", alice.id);
    let refused = world.post(&mallory, &hers, body.clone()).await;
    refused.refuses(ErrorReason::NotOneself);
    let none = world.post(&alice, &hers, body).await;
    none.refuses(ErrorReason::MfaCodeInvalid);
}
