//! Second factors: how long and how often is what the settings say.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Actor, Answer, Outbox, World};

const SEND: &str = "/v1/login/mfa/challenge";
const ENROL: &str = "/v1/login/mfa/enrol";

/// Sets e-mail up as a second factor.
async fn enrol_mail(world: &World, outbox: &Outbox, actor: &Actor) {
    let path = format!("/v1/users/{}/mfa", actor.id);
    let set_up = json!({"mfaType": "email"});
    let told = world.post(actor, &format!("{path}/setup"), set_up).await;
    told.is(200);
    let proof = json!({"mfaType": "email", "passcode": outbox.code()});
    let verify = format!("{path}/verify");
    world.post(actor, &verify, proof).await.is(200);
}

async fn send(world: &World, challenge: &str) -> Answer {
    let body = json!({"mfaToken": challenge, "mfaType": "email"});
    world.post_openly(SEND, body).await
}

/// A code that is not this one.
fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn a_challenge_is_tried_as_often_and_waits_as_long_as_the_settings_say() {
    let settings = [
        ("GATEPOST_MFA_ATTEMPTS", "2"),
        ("GATEPOST_MFA_CHALLENGE_SECONDS", "60"),
    ];
    let world = World::start_with(&settings).await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let knocked = world.knock("alice").await;
    assert_eq!(knocked["mfaExpiresIn"], 60);
    let challenge = knocked["mfaToken"].as_str().unwrap();
    let wrong = other_than(&world.passcode(&app.secret, 0));
    for _ in 0..2 {
        let refused = world.meet(challenge, "passcode", wrong).await;
        refused.refuses(ErrorReason::MfaCodeInvalid);
    }
    let code = &app.recovery_codes[0];
    let third = world.meet(challenge, "recoveryCode", code).await;
    third.refuses(ErrorReason::MfaTokenInvalid);
    // In time, and too late.
    let (early, late) = (
        world.challenge("alice").await,
        world.challenge("alice").await,
    );
    world.pass(Duration::from_secs(58)).await;
    world.meet(&early, "recoveryCode", code).await.is(200);
    world.pass(Duration::from_secs(3)).await;
    let other = &app.recovery_codes[1];
    let refused = world.meet(&late, "recoveryCode", other).await;
    refused.refuses(ErrorReason::MfaTokenInvalid);
}

#[tokio::test]
async fn a_first_factor_is_set_up_in_the_time_that_the_settings_say() {
    let settings = [
        ("GATEPOST_MFA_CHALLENGE_SECONDS", "30"),
        ("GATEPOST_MFA_ENROLMENT_SECONDS", "120"),
    ];
    let world = World::start_with(&settings).await;
    world.person("alice", &[]).await;
    let policy = json!({"mode": "required", "methods": ["app"]});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
    let begin = async || {
        let body = world.knock("alice").await;
        assert_eq!(
            (&body["enrolmentRequired"], &body["mfaExpiresIn"]),
            (&json!(true), &json!(120))
        );
        body["mfaToken"].as_str().unwrap().to_owned()
    };
    let set_up = async |challenge: &str| -> Value {
        let body = json!({"mfaToken": challenge, "mfaType": "app"});
        world.post_openly(ENROL, body).await.is(200).clone()
    };
    let late = begin().await;
    let secret = set_up(&late).await["secret"].as_str().unwrap().to_owned();
    world.pass(Duration::from_secs(121)).await;
    let code = world.passcode(&secret, 0);
    let refused = world.meet(&late, "passcode", &code).await;
    refused.refuses(ErrorReason::MfaTokenInvalid);
    let early = begin().await;
    world.pass(Duration::from_secs(100)).await;
    let secret = set_up(&early).await["secret"].as_str().unwrap().to_owned();
    let code = world.passcode(&secret, 0);
    world.meet(&early, "passcode", &code).await.is(200);
}

/// The code is over before its challenge is: a new one can be sent.
#[tokio::test]
async fn a_code_is_good_for_as_long_as_the_settings_say() {
    let settings = [("GATEPOST_MFA_CODE_SECONDS", "60")];
    let (world, outbox) = Outbox::with_world_of(&settings).await;
    let alice = world.person("alice", &[]).await;
    enrol_mail(&world, &outbox, &alice).await;
    let challenge = world.challenge("alice").await;
    send(&world, &challenge).await.is(200);
    assert!(outbox.last().text.contains("good for 1 minutes"));
    let old = outbox.code();
    world.pass(Duration::from_secs(61)).await;
    let late = world.meet(&challenge, "passcode", &old).await;
    late.refuses(ErrorReason::MfaCodeInvalid);
    send(&world, &challenge).await.is(200);
    let new = outbox.code();
    world.pass(Duration::from_secs(58)).await;
    world.meet(&challenge, "passcode", &new).await.is(200);
}

#[tokio::test]
async fn codes_are_sent_again_as_often_as_the_settings_say() {
    let settings = [("GATEPOST_MFA_RESENDS", "0")];
    let (world, outbox) = Outbox::with_world_of(&settings).await;
    let alice = world.person("alice", &[]).await;
    enrol_mail(&world, &outbox, &alice).await;
    let (challenge, before) = (world.challenge("alice").await, outbox.count());
    send(&world, &challenge).await.is(200);
    let code = outbox.code();
    let again = send(&world, &challenge).await;
    again.refuses(ErrorReason::TooManyAttempts);
    assert!(again.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(outbox.count(), before + 1);
    world.meet(&challenge, "passcode", &code).await.is(200);
}
