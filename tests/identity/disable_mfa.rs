//! `DisableMfa`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn it_takes_a_proof() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let path = format!("/v1/users/{}/mfa/disable", alice.id);
    for (field, wrong) in [("passcode", "000000"), ("recoveryCode", "AAAAA-AAAAA")] {
        let answer = world.post(&alice, &path, json!({field: wrong})).await;
        answer.refuses(ErrorReason::MfaCodeInvalid);
    }
    let none = world.post(&alice, &path, json!({})).await;
    none.refuses(ErrorReason::MfaCodeInvalid);
    let log = world
        .get(&world.admin, "/v1/audit-events?limit=100&action=mfa.refuse")
        .await;
    assert_eq!(log.is(200)["items"].as_array().unwrap().len(), 3);
    assert_eq!(world.knock("alice").await["mfaRequired"], true);
    let right = json!({"passcode": world.passcode(&app.secret, 0)});
    let answer = world.post(&alice, &path, right).await;
    assert_eq!(answer.is(200), &json!({"enabled": false}));
    assert!(world.knock("alice").await.get("mfaRequired").is_none());
    let status = world
        .get(&alice, &format!("/v1/users/{}/mfa", alice.id))
        .await;
    assert_eq!(status.is(200)["recoveryCodesLeft"], 0);
}

#[tokio::test]
async fn a_recovery_code_proves_as_well_and_a_device_is_forgotten() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    let body = json!({
        "mfaToken": challenge, "recoveryCode": app.recovery_codes[0], "rememberDevice": true,
    });
    let answer = world.post_openly("/v1/login/mfa/verify", body).await;
    let device = answer.is(200)["deviceToken"].clone();
    let path = format!("/v1/users/{}/mfa/disable", alice.id);
    let used = json!({"recoveryCode": app.recovery_codes[0]});
    world
        .post(&alice, &path, used)
        .await
        .refuses(ErrorReason::MfaCodeInvalid);
    let proof = json!({"mfaType": "app", "recoveryCode": app.recovery_codes[1]});
    world.post(&alice, &path, proof).await.is(200);
    world.pass(Duration::from_mins(1)).await;
    world.enrol(&alice).await;
    let body = json!({
        "grantType": "password", "username": "alice", "password": crate::world::PASSWORD,
        "deviceToken": device,
    });
    let answer = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    assert_eq!(answer.is(200)["mfaRequired"], true);
}

#[tokio::test]
async fn nobody_disables_the_factors_of_somebody_else() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mallory = world.person("mallory", &[]).await;
    world.enrol(&alice).await;
    let his = world.enrol(&mallory).await;
    let path = format!("/v1/users/{}/mfa/disable", alice.id);
    let proof = json!({"recoveryCode": his.recovery_codes[0]});
    for other in [&mallory, &world.admin] {
        let answer = world.post(other, &path, proof.clone()).await;
        answer.refuses(ErrorReason::NotOneself);
    }
    let swapped = world.post(&alice, &path, proof).await;
    swapped.refuses(ErrorReason::MfaCodeInvalid);
    assert_eq!(world.knock("alice").await["mfaRequired"], true);
}

#[tokio::test]
async fn whoever_must_have_one_keeps_the_last() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let policy = json!({"mode": "required"});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
    let path = format!("/v1/users/{}/mfa/disable", alice.id);
    let proof = json!({"recoveryCode": app.recovery_codes[0]});
    let answer = world.post(&alice, &path, proof.clone()).await;
    answer.refuses(ErrorReason::FactorRequired);
    let challenge = world.challenge("alice").await;
    let code = &app.recovery_codes[0];
    world.meet(&challenge, "recoveryCode", code).await.is(200);
}
