//! `BeginPasskeySignIn`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::world::{World, fields};

const BEGIN: &str = "/v1/login/passkey/begin";

fn options(body: &Value) -> Value {
    serde_json::from_str(body["options"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn nobody_is_named_and_the_device_must_verify_its_user() {
    let world = World::start().await;
    let answer = world.post_openly(BEGIN, json!({})).await;
    let body = answer.is(200);
    assert_eq!(fields(body), ["ceremony", "expiresIn", "options"]);
    assert_eq!(body["expiresIn"], 600);
    let asked = options(body);
    assert_eq!(asked["rpId"], "gatepost.test");
    assert_eq!(asked["userVerification"], "required");
    assert_eq!(asked["allowCredentials"], json!([]));
    assert_eq!(asked["timeout"], 600_000);
    let again = world.post_openly(BEGIN, json!({})).await;
    let again = options(again.is(200));
    assert_ne!(again["challenge"], asked["challenge"]);
    assert!(asked["challenge"].as_str().unwrap().len() >= 43, "{asked}");
}

#[tokio::test]
async fn a_challenge_asks_for_the_passkeys_of_who_was_challenged() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let bob = world.person("bob", &[]).await;
    let hers = world.add_passkey(&alice).await;
    world.add_passkey(&bob).await;
    let challenge = world.challenge("alice").await;
    let answer = world
        .post_openly(BEGIN, json!({"mfaToken": challenge}))
        .await;
    let asked = options(answer.is(200));
    let allowed = asked["allowCredentials"].as_array().unwrap();
    assert_eq!(allowed.len(), 1);
    let id = serde_json::from_str::<Value>(&hers.key.sign(&asked.to_string())).unwrap();
    assert_eq!(allowed[0]["id"], id["id"]);
    world.pass(Duration::from_secs(301)).await;
    let late = world
        .post_openly(BEGIN, json!({"mfaToken": challenge}))
        .await;
    late.refuses(ErrorReason::MfaTokenInvalid);
    let forged = world.post_openly(BEGIN, json!({"mfaToken": "gpm_x"})).await;
    forged.refuses(ErrorReason::MfaTokenInvalid);
}

#[tokio::test]
async fn who_has_no_passkey_is_asked_for_none() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    let answer = world
        .post_openly(BEGIN, json!({"mfaToken": challenge}))
        .await;
    answer.refuses(ErrorReason::FactorUnavailable);
}

#[tokio::test]
async fn an_address_without_a_name_has_no_passkeys() {
    for url in [
        "http://127.0.0.1:4000",
        "https://192.0.2.1",
        "http://gatepost.test",
    ] {
        let world = World::start_with(&[("GATEPOST_PUBLIC_URL", url)]).await;
        let answer = world.post_openly(BEGIN, json!({})).await;
        answer.refuses(ErrorReason::PasskeysUnavailable);
        let said = answer.body["detail"].as_str().unwrap();
        assert!(said.contains("`https`") && said.contains("IP"), "{said}");
        let path = format!("/v1/users/{}/mfa/setup", world.admin.id);
        let body = json!({"mfaType": "passkey"});
        let answer = world.post(&world.admin, &path, body).await;
        answer.refuses(ErrorReason::PasskeysUnavailable);
        world.close().await;
    }
}
