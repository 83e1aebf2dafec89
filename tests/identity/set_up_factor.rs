//! `SetUpFactor`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

use crate::servers;
use crate::world::{Actor, World, texts};

#[tokio::test]
async fn an_app_is_told_its_secret_once_and_counts_when_it_is_proved() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    let set_up = json!({"mfaType": "app"});
    let answer = world.post(&alice, &format!("{path}/setup"), set_up).await;
    let body = answer.is(200);
    let secret = body["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    let url = format!("otpauth://totp/default:alice?secret={secret}&issuer=default");
    assert_eq!(
        body["url"].as_str().unwrap().to_lowercase(),
        url.to_lowercase()
    );
    assert_eq!(
        (&body["mfaType"], &body["enabled"]),
        (&json!("app"), &json!(false))
    );
    assert_eq!(texts(&body["recoveryCodes"]).len(), 10);
    let status = world.get(&alice, &path).await;
    assert_eq!(status.is(200)["enabled"], false);
    assert!(!status.body.to_string().contains(secret));
    assert!(world.knock("alice").await.get("mfaRequired").is_none());
    let log = world.get(&world.admin, "/v1/audit-events?limit=100").await;
    assert!(!log.is(200).to_string().contains(secret));
    let events = log.body["items"].as_array().unwrap().iter();
    let mut told = events.filter(|event| event["action"] == "mfa.set_up");
    assert_eq!(told.next().unwrap()["targetId"], *alice.id);
}

/// What another implementation of RFC 6238 shows.
fn pyotp(secret: &str, second: i64) -> String {
    const SHOW: &str = "import pyotp, sys; print(pyotp.TOTP(sys.argv[1]).at(int(sys.argv[2])))";
    let python = servers::tool("GATEPOST_TEST_PYTHON");
    let mut show = Command::new(python);
    let output = show
        .args(["-c", SHOW, secret, &second.to_string()])
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_codes_are_those_of_another_implementation() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa", alice.id);
    let set_up = json!({"mfaType": "app"});
    let answer = world.post(&alice, &format!("{path}/setup"), set_up).await;
    let secret = answer.is(200)["secret"].as_str().unwrap();
    let passcode = pyotp(secret, world.now_s());
    assert_eq!(passcode, world.passcode(secret, 0));
    let proof = json!({"mfaType": "app", "passcode": passcode});
    world
        .post(&alice, &format!("{path}/verify"), proof)
        .await
        .is(200);
    let next = pyotp(secret, world.now_s() + 30);
    let challenge = world.challenge("alice").await;
    world.meet(&challenge, "passcode", &next).await.is(200);
}

#[tokio::test]
async fn who_has_a_factor_needs_it_to_add_another() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let path = format!("/v1/users/{}/mfa/setup", alice.id);
    let set_up = json!({"mfaType": "app"});
    let weak = world.post(&alice, &path, set_up.clone()).await;
    weak.refuses(ErrorReason::StrongerSignInNeeded);
    let strong = world.sign_in_twice("alice", &app.recovery_codes[0]).await;
    let answer = world.post(&strong, &path, set_up).await;
    assert_eq!(answer.is(200)["enabled"], true);
    assert_eq!(
        answer.body["recoveryCodes"],
        json!([]),
        "those there are stay good"
    );
    // The old one counts until the new one is proved.
    let challenge = world.challenge("alice").await;
    let old = world.passcode(&app.secret, 0);
    world.meet(&challenge, "passcode", &old).await.is(200);
}

#[tokio::test]
async fn one_sets_up_ones_own_only() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa/setup", alice.id);
    let set_up = json!({"mfaType": "app"});
    let bob = world.person("bob", &[]).await;
    let machine = world.machine("worker", &["gatepost-editor-role"]).await;
    for other in [&bob, &world.admin, &machine] {
        let refused = world.post(other, &path, set_up.clone()).await;
        refused.refuses(ErrorReason::NotOneself);
    }
    let nobody = world.request(Method::POST, &path).json(&set_up);
    let nobody = world.send(nobody).await;
    nobody.refuses(ErrorReason::TokenMissing);
    let status = format!("/v1/users/{}/mfa", alice.id);
    assert_eq!(
        world.get(&alice, &status).await.is(200)["recoveryCodesLeft"],
        0
    );
}

#[tokio::test]
async fn a_number_has_its_country() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa/setup", alice.id);
    for phone in [
        "",
        "11912345678",
        "+0115511912345",
        "+55 11 91234",
        "+1234567",
        "+٥٥١١٩١٢٣٤٥",
    ] {
        let body: Value = json!({"mfaType": "sms", "phone": phone});
        let answer = world.post(&alice, &path, body).await;
        answer.refuses(ErrorReason::InvalidRequest);
    }
    let other = world.post(&alice, &path, json!({"mfaType": "fax"})).await;
    other.refuses(ErrorReason::InvalidRequest);
}

/// A token that was stolen lives on; what its owner signs in with does not change by it.
#[tokio::test]
async fn who_signed_in_long_ago_signs_in_again_to_change_factors() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let bob = world.person("bob", &[]).await;
    world.enrol(&bob).await;
    world.pass(Duration::from_secs(901)).await;
    let path = |actor: &Actor, rest: &str| format!("/v1/users/{}/mfa{rest}", actor.id);
    let app = json!({"mfaType": "app"});
    let proof = json!({"passcode": "123456"});
    for (actor, method, rest, body) in [
        (&alice, Method::POST, "/setup", &app),
        (&alice, Method::POST, "/enable", &app),
        (&bob, Method::PATCH, "/preferred", &app),
        (&bob, Method::POST, "/recovery-codes", &json!({})),
        (&bob, Method::POST, "/disable", &proof),
    ] {
        let path = path(actor, rest);
        let refused = world.call(actor, method, &path, body.clone()).await;
        refused.refuses(ErrorReason::StrongerSignInNeeded);
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.ends_with("max_age=\"900\""),
            "{rest}: {challenge}"
        );
    }
    // A refresh is no sign-in.
    let refresh = json!({"refreshToken": alice.refresh_token});
    let next = world
        .post_openly("/v1/login/oauth/refresh_token", refresh)
        .await;
    let token = next.is(200)["accessToken"].as_str().unwrap().to_owned();
    let refreshed = Actor {
        token,
        ..alice.clone()
    };
    let refused = world
        .post(&refreshed, &path(&alice, "/setup"), app.clone())
        .await;
    refused.refuses(ErrorReason::StrongerSignInNeeded);
    let log = "/v1/audit-events?limit=100&action=attempt.refuse";
    let admin = world.sign_in("admin").await;
    let log = world.get(&admin, log).await;
    let events = log.is(200)["items"].as_array().unwrap().clone();
    let is_told = |event: &serde_json::Value| {
        event["reason"] == "STRONGER_SIGN_IN_NEEDED" && event["targetId"] == alice.id
    };
    assert!(events.iter().any(is_told), "{events:?}");
    let anew = world.sign_in("alice").await;
    world.enrol(&anew).await;
}

#[tokio::test]
async fn how_long_ago_is_a_setting() {
    let world = World::start_with(&[("GATEPOST_MFA_CHANGE_MAX_AGE_SECONDS", "0")]).await;
    let alice = world.person("alice", &[]).await;
    world.pass(Duration::from_mins(50)).await;
    world.enrol(&alice).await;
}
