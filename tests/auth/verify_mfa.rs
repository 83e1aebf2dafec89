//! `VerifyMfa`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Answer, NEXT_PASSWORD, PASSWORD, World, claims, fields};

const SIGN_IN: &str = "/v1/login/oauth/access_token";
const VERIFY: &str = "/v1/login/mfa/verify";
const STEP: Duration = Duration::from_secs(30);

/// How many sessions somebody has.
async fn sessions(world: &World, id: &str) -> usize {
    let path = format!("/v1/users/{id}/sessions");
    let list = world.get(&world.admin, &path).await;
    list.is(200)["items"].as_array().unwrap().len()
}

/// Checks that the log tells, of whom and why, of a call that was refused.
async fn is_told(world: &World, answer: &Answer, id: &str, reason: &str) {
    let path = "/v1/audit-events?limit=100&action=mfa.refuse";
    let list = world.get(&world.admin, path).await;
    let events = list.is(200)["items"].as_array().unwrap().iter();
    let mut events = events.filter(|event| event["requestId"] == answer.body["requestId"]);
    let event = events.next().unwrap_or_else(|| panic!("{}", list.body));
    assert_eq!(
        (&event["outcome"], &event["reason"], &event["targetId"]),
        (&json!("refused"), &json!(reason), &json!(id))
    );
    assert!(events.next().is_none());
}

#[tokio::test]
async fn a_challenge_and_a_code_are_a_sign_in_with_two_factors() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.knock("alice").await;
    let all = [
        "enrolmentRequired",
        "methods",
        "mfaExpiresIn",
        "mfaRequired",
        "mfaToken",
        "preferredMethod",
    ];
    assert_eq!(fields(&challenge), all);
    assert_eq!(challenge["methods"], json!(["app"]));
    assert_eq!(challenge["preferredMethod"], "app");
    assert_eq!(challenge["enrolmentRequired"], false);
    assert_eq!(challenge["mfaExpiresIn"], 300);
    assert_eq!(
        sessions(&world, &alice.id).await,
        1,
        "there is no session yet"
    );
    let token = challenge["mfaToken"].as_str().unwrap();
    let passcode = world.passcode(&app.secret, 0);
    let answer = world.meet(token, "passcode", &passcode).await;
    let body = answer.is(200);
    let all = [
        "accessToken",
        "expiresIn",
        "idToken",
        "knownDevice",
        "refreshToken",
        "scope",
        "tokenType",
    ];
    assert_eq!(fields(body), all);
    assert_eq!(answer.header("cache-control"), "no-store");
    for name in ["accessToken", "idToken"] {
        let told = claims(body[name].as_str().unwrap());
        assert_eq!(told["sub"], *alice.id);
        assert_eq!(told["amr"], json!(["pwd", "otp", "mfa"]));
        assert_eq!(told["acr"], "urn:gatepost:acr:2");
        assert_eq!(told["auth_time"], told["iat"]);
    }
    let log = "/v1/audit-events?limit=100&action=mfa.challenge";
    let log = world.get(&world.admin, log).await;
    assert_eq!(log.is(200)["items"][0]["targetId"], *alice.id);
    let weak = claims(&alice.token);
    assert_eq!(
        (&weak["amr"], &weak["acr"]),
        (&json!(["pwd"]), &json!("urn:gatepost:acr:1"))
    );
    // What the sign-in was worth stays what it was when tokens are refreshed.
    world.pass(STEP).await;
    let refresh = json!({"refreshToken": body["refreshToken"]});
    let next = world
        .post_openly("/v1/login/oauth/refresh_token", refresh)
        .await;
    let next = claims(next.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(next["acr"], "urn:gatepost:acr:2");
    assert_ne!(next["auth_time"], next["iat"]);
}

#[tokio::test]
async fn the_client_and_the_scope_of_the_challenge_are_those_of_the_session() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let console = application(&world, &world.admin, json!({"name": "console"})).await;
    let body = json!({
        "grantType": "password", "username": "alice", "password": PASSWORD, "scope": "email",
        "clientId": console["clientId"], "clientSecret": console["clientSecret"],
    });
    let knock = async || {
        let answer = world.post_openly(SIGN_IN, body.clone()).await;
        answer.is(200)["mfaToken"].as_str().unwrap().to_owned()
    };
    let (first, second) = (knock().await, knock().await);
    let passcode = world.passcode(&app.secret, 0);
    let answer = world.meet(&first, "passcode", &passcode).await;
    assert_eq!(answer.is(200)["scope"], "email");
    let token = claims(answer.body["accessToken"].as_str().unwrap());
    assert_eq!(token["azp"], console["clientId"]);
    // A client that is gone takes its challenges along.
    let path = format!("/v1/applications/{}", console["id"].as_str().unwrap());
    world.delete(&world.admin, &path).await.is(204);
    let gone = world
        .meet(&second, "recoveryCode", &app.recovery_codes[0])
        .await;
    gone.refuses(ErrorReason::MfaTokenInvalid);
    assert_eq!(gone.body["code"], "AUT-1003");
}

#[tokio::test]
async fn a_totp_code_is_good_once_within_its_window() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let before = world.passcode(&app.secret, -1);
    let now = world.passcode(&app.secret, 0);
    let proving = world.challenge("alice").await;
    let replayed = world.meet(&proving, "passcode", &before).await;
    replayed.refuses(ErrorReason::MfaCodeInvalid);
    is_told(&world, &replayed, &alice.id, "MFA_CODE_REPLAYED").await;
    world.meet(&proving, "passcode", &now).await.is(200);
    let count = sessions(&world, &alice.id).await;
    let again = world.challenge("alice").await;
    for _ in 0..2 {
        let replayed = world.meet(&again, "passcode", &now).await;
        replayed.refuses(ErrorReason::MfaCodeInvalid);
        is_told(&world, &replayed, &alice.id, "MFA_CODE_REPLAYED").await;
    }
    // One that is older than the last that was used is no better.
    let older = world.passcode(&app.secret, -1);
    let refused = world.meet(&again, "passcode", &older).await;
    refused.refuses(ErrorReason::MfaCodeInvalid);
    assert_eq!(sessions(&world, &alice.id).await, count);
    world.pass(STEP).await;
    let next = world.passcode(&app.secret, 0);
    world.meet(&again, "passcode", &next).await.is(200);
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    assert_eq!(app.recovery_codes.len(), 10);
    let code = &app.recovery_codes[0];
    let typed = code.to_lowercase().replace('-', " ");
    let challenge = world.challenge("alice").await;
    world.meet(&challenge, "recoveryCode", &typed).await.is(200);
    let count = sessions(&world, &alice.id).await;
    let challenge = world.challenge("alice").await;
    let reused = world.meet(&challenge, "recoveryCode", code).await;
    reused.refuses(ErrorReason::MfaCodeInvalid);
    is_told(&world, &reused, &alice.id, "MFA_CODE_INVALID").await;
    assert_eq!(sessions(&world, &alice.id).await, count);
    let path = format!("/v1/users/{}/mfa", alice.id);
    let left = world.get(&alice, &path).await;
    assert_eq!(left.is(200)["recoveryCodesLeft"], 9);
    let other = &app.recovery_codes[1];
    world.meet(&challenge, "recoveryCode", other).await.is(200);
}

#[tokio::test]
async fn a_challenge_is_not_met_with_the_code_of_somebody_else() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mallory = world.person("mallory", &[]).await;
    let hers = world.enrol(&alice).await;
    let his = world.enrol(&mallory).await;
    // Mallory has found Alice's password, and has a factor of his own.
    let count = sessions(&world, &alice.id).await;
    let challenge = world.challenge("alice").await;
    let passcode = world.passcode(&his.secret, 0);
    let swapped = world.meet(&challenge, "passcode", &passcode).await;
    swapped.refuses(ErrorReason::MfaCodeInvalid);
    is_told(&world, &swapped, &alice.id, "MFA_CODE_INVALID").await;
    let swapped = world
        .meet(&challenge, "recoveryCode", &his.recovery_codes[0])
        .await;
    swapped.refuses(ErrorReason::MfaCodeInvalid);
    assert_eq!(sessions(&world, &alice.id).await, count);
    // Neither was used up by that, nor does his own challenge become hers.
    let own = world.challenge("mallory").await;
    let answer = world.meet(&own, "passcode", &passcode).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(token["sub"], *mallory.id);
    let right = world.passcode(&hers.secret, 0);
    world.meet(&challenge, "passcode", &right).await.is(200);
}

#[tokio::test]
async fn five_tries_and_a_challenge_is_over() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    for _ in 0..5 {
        let wrong = world.meet(&challenge, "passcode", "000000").await;
        wrong.refuses(ErrorReason::MfaCodeInvalid);
    }
    let right = world.passcode(&app.secret, 0);
    let late = world.meet(&challenge, "passcode", &right).await;
    late.refuses(ErrorReason::MfaTokenInvalid);
    is_told(&world, &late, &alice.id, "MFA_TOKEN_INVALID").await;
    let later = world.meet(&challenge, "passcode", &right).await;
    later.refuses(ErrorReason::MfaTokenInvalid);
    assert_eq!(sessions(&world, &alice.id).await, 1);
    let fresh = world.challenge("alice").await;
    world.meet(&fresh, "passcode", &right).await.is(200);
}

#[tokio::test]
async fn many_challenges_are_not_many_tries() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let mut slowed = None;
    for _ in 0..4 {
        let challenge = world.challenge("alice").await;
        for _ in 0..5 {
            let wrong = world.meet(&challenge, "passcode", "000000").await;
            if wrong.reason() == ErrorReason::TooManyAttempts.name() {
                slowed = Some((challenge.clone(), wrong));
                break;
            }
        }
    }
    let (challenge, answer) = slowed.unwrap();
    answer.refuses(ErrorReason::TooManyAttempts);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    let right = world.passcode(&app.secret, 0);
    let right = world.meet(&challenge, "passcode", &right).await;
    assert_ne!(right.status, 200);
    assert_eq!(sessions(&world, &alice.id).await, 1);
    // Nobody is locked out for long.
    world.pass(Duration::from_mins(15)).await;
    let challenge = world.challenge("alice").await;
    let right = world.passcode(&app.secret, 0);
    world.meet(&challenge, "passcode", &right).await.is(200);
}

#[tokio::test]
async fn a_challenge_expires() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    world.pass(Duration::from_secs(301)).await;
    let right = world.passcode(&app.secret, 0);
    let late = world.meet(&challenge, "passcode", &right).await;
    late.refuses(ErrorReason::MfaTokenInvalid);
    is_told(&world, &late, &alice.id, "MFA_TOKEN_INVALID").await;
    assert_eq!(sessions(&world, &alice.id).await, 1);
}

#[tokio::test]
async fn a_challenge_is_met_once_however_many_try() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    let tries = app.recovery_codes[..4].iter();
    let tries = tries.map(|code| world.meet(&challenge, "recoveryCode", code));
    let answers = futures::future::join_all(tries).await;
    let met = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(met, 1);
    assert_eq!(sessions(&world, &alice.id).await, 2);
}

#[tokio::test]
async fn a_challenge_that_we_did_not_write_is_none() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    let mut forged = challenge.clone().into_bytes();
    let last = forged.len() - 9;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let code = &app.recovery_codes[0];
    for token in [
        forged.as_str(),
        "gpm_",
        "gpm_AAAA",
        "nonsense",
        alice.token.get(..100).unwrap(),
    ] {
        let answer = world.meet(token, "recoveryCode", code).await;
        answer.refuses(ErrorReason::MfaTokenInvalid);
    }
    for body in [
        json!({"mfaToken": challenge}),
        json!({"mfaToken": challenge, "passcode": "123456", "recoveryCode": code}),
        json!({"mfaToken": challenge, "passcode": "123456", "mfaType": "fax"}),
        json!({"passcode": "123456"}),
    ] {
        let answer = world.post_openly(VERIFY, body).await;
        answer.refuses(ErrorReason::InvalidRequest);
    }
    world.meet(&challenge, "recoveryCode", code).await.is(200);
}

#[tokio::test]
async fn whoever_was_suspended_meanwhile_is_not_let_in() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    let path = format!("/v1/users/{}", alice.id);
    let suspended = json!({"status": "suspended"});
    world.patch(&world.admin, &path, suspended).await.is(204);
    let code = &app.recovery_codes[0];
    let answer = world.meet(&challenge, "recoveryCode", code).await;
    answer.refuses(ErrorReason::UserSuspended);
    world.delete(&world.admin, &path).await.is(204);
    let answer = world.meet(&challenge, "recoveryCode", code).await;
    answer.refuses(ErrorReason::MfaTokenInvalid);
}

#[tokio::test]
async fn nothing_is_told_before_the_password_is_right() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    world.enrol(&alice).await;
    world.person("bob", &[]).await;
    let mut answers = Vec::new();
    for username in ["alice", "bob", "nobody"] {
        let body = json!({
            "grantType": "password", "username": username, "password": NEXT_PASSWORD,
        });
        let answer = world.post_openly(SIGN_IN, body).await;
        answer.refuses(ErrorReason::CredentialsInvalid);
        let mut body = answer.body.clone();
        body["requestId"] = Value::Null;
        answers.push(body);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

async fn knock_with(world: &World, username: &str, device: &Value, acr: &str) -> Value {
    let body = json!({
        "grantType": "password", "username": username, "password": PASSWORD,
        "deviceToken": device, "acrValues": acr,
    });
    world.post_openly(SIGN_IN, body).await.is(200).clone()
}

#[tokio::test]
async fn a_remembered_device_is_not_asked_for_a_while() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let bob = world.person("bob", &[]).await;
    let app = world.enrol(&alice).await;
    world.enrol(&bob).await;
    let challenge = world.challenge("alice").await;
    let body = json!({
        "mfaToken": challenge, "passcode": world.passcode(&app.secret, 0), "rememberDevice": true,
    });
    let answer = world.post_openly(VERIFY, body).await;
    let device = answer.is(200)["deviceToken"].clone();
    assert!(device.as_str().unwrap().starts_with("gpd_"));
    let known = knock_with(&world, "alice", &device, "").await;
    let token = claims(known["accessToken"].as_str().unwrap());
    assert_eq!(
        token["acr"], "urn:gatepost:acr:1",
        "a device is no second factor"
    );
    // Nobody else's device, and no second factor where one is asked for.
    let others = knock_with(&world, "bob", &device, "").await;
    assert_eq!(others["mfaRequired"], true);
    let asked = knock_with(&world, "alice", &device, "urn:gatepost:acr:2").await;
    assert_eq!(asked["mfaRequired"], true);
    world.pass(Duration::from_hours(30 * 24)).await;
    let over = knock_with(&world, "alice", &device, "").await;
    assert_eq!(over["mfaRequired"], true);
}

#[tokio::test]
async fn no_device_is_remembered_where_none_is_to_be() {
    let world = World::start_with(&[("GATEPOST_MFA_REMEMBER_DAYS", "0")]).await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let challenge = world.challenge("alice").await;
    let body = json!({
        "mfaToken": challenge, "recoveryCode": app.recovery_codes[0], "rememberDevice": true,
    });
    let answer = world.post_openly(VERIFY, body).await;
    assert!(answer.is(200).get("deviceToken").is_none());
}

/// What an old password opened, nobody finishes: neither a sign-in nor a first factor.
#[tokio::test]
async fn a_password_that_was_changed_voids_the_challenges_of_before() {
    let world = World::start().await;
    let (alice, bob) = (
        world.person("alice", &[]).await,
        world.person("bob", &[]).await,
    );
    let app = world.enrol(&alice).await;
    super::enrol_mfa::require(&world, json!([])).await;
    let challenge = world.challenge("alice").await;
    let enrolment = world.knock("bob").await["mfaToken"].clone();
    for user in [&alice, &bob] {
        let path = format!("/v1/users/{}/reset-password", user.id);
        let body = json!({"newPassword": NEXT_PASSWORD});
        world.patch(&world.admin, &path, body).await.is(204);
    }
    let passcode = world.passcode(&app.secret, 1);
    let refused = world.meet(&challenge, "passcode", &passcode).await;
    refused.refuses(ErrorReason::MfaTokenInvalid);
    let set_up = json!({"mfaToken": enrolment, "mfaType": "app"});
    let refused = world.post_openly("/v1/login/mfa/enrol", set_up).await;
    refused.refuses(ErrorReason::MfaTokenInvalid);
    let factors = world
        .get(&world.admin, &format!("/v1/users/{}/mfa", bob.id))
        .await;
    assert_eq!(factors.is(200)["enabled"], false);
    for user in [&alice, &bob] {
        assert_eq!(sessions(&world, &user.id).await, 0);
    }
}
