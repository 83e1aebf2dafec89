//! `SendMfaCode`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::world::{Actor, Answer, Outbox, World, claims};

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

/// Sets a factor up that codes are sent to.
async fn enrol(world: &World, outbox: &Outbox, actor: &Actor, set_up: Value) {
    let path = format!("/v1/users/{}/mfa", actor.id);
    let kind = set_up["mfaType"].clone();
    let told = world.post(actor, &format!("{path}/setup"), set_up).await;
    assert_eq!(told.is(200)["secret"], "");
    let wrong = json!({"mfaType": kind, "passcode": "000000"});
    let verify = format!("{path}/verify");
    let wrong = world.post(actor, &verify, wrong).await;
    wrong.refuses(ErrorReason::MfaCodeInvalid);
    let proof = json!({"mfaType": kind, "passcode": outbox.code()});
    world.post(actor, &verify, proof).await.is(200);
}

async fn send(world: &World, challenge: &str, kind: &str) -> Answer {
    let body = json!({"mfaToken": challenge, "mfaType": kind});
    world.post_openly(SEND, body).await
}

#[tokio::test]
async fn a_code_by_mail_is_good_once_and_for_its_challenge() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    enrol(&world, &outbox, &alice, json!({"mfaType": "email"})).await;
    let first = outbox.code();
    let (challenge, other) = (
        world.challenge("alice").await,
        world.challenge("alice").await,
    );
    let early = world.meet(&challenge, "passcode", &first).await;
    early.refuses(ErrorReason::MfaCodeInvalid);
    let sent = send(&world, &challenge, "email").await;
    let hint = "a code is on its way to a…@example.com";
    assert_eq!(sent.is(200)["message"], hint);
    let mail = outbox.last();
    assert_eq!(mail.to, "alice@example.com");
    assert!(mail.text.contains("for Default"), "{}", mail.text);
    let code = outbox.code();
    send(&world, &other, "email").await.is(200);
    let swapped = world.meet(&other, "passcode", &code).await;
    swapped.refuses(ErrorReason::MfaCodeInvalid);
    let answer = world.meet(&challenge, "passcode", &code).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(token["amr"], json!(["pwd", "otp", "mfa"]));
    let again = world.meet(&challenge, "passcode", &code).await;
    again.refuses(ErrorReason::MfaTokenInvalid);
    let log = world.get(&world.admin, "/v1/audit-events?limit=100").await;
    assert!(!log.is(200).to_string().contains(&code));
}

#[tokio::test]
async fn a_code_is_sent_again_three_times_and_the_last_one_counts() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    enrol(&world, &outbox, &alice, json!({"mfaType": "email"})).await;
    let (challenge, before) = (world.challenge("alice").await, outbox.count());
    let mut codes = Vec::new();
    for _ in 0..4 {
        send(&world, &challenge, "email").await.is(200);
        codes.push(outbox.code());
    }
    let fifth = send(&world, &challenge, "email").await;
    fifth.refuses(ErrorReason::TooManyAttempts);
    assert_eq!(outbox.count(), before + 4);
    if codes[2] != codes[3] {
        let old = world.meet(&challenge, "passcode", &codes[2]).await;
        old.refuses(ErrorReason::MfaCodeInvalid);
    }
    world.meet(&challenge, "passcode", &codes[3]).await.is(200);
}

#[tokio::test]
async fn a_code_expires() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    enrol(&world, &outbox, &alice, json!({"mfaType": "email"})).await;
    let challenge = world.challenge("alice").await;
    world.pass(Duration::from_secs(200)).await;
    send(&world, &challenge, "email").await.is(200);
    let code = outbox.code();
    world.pass(Duration::from_secs(101)).await;
    let late = world.meet(&challenge, "passcode", &code).await;
    late.refuses(ErrorReason::MfaTokenInvalid);
}

#[tokio::test]
async fn a_code_by_sms_goes_to_the_number_that_was_proved() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    let set_up = json!({"mfaType": "sms", "phone": "+5511987654321"});
    enrol(&world, &outbox, &alice, set_up).await;
    let challenge = world.challenge("alice").await;
    let sent = send(&world, &challenge, "sms").await;
    let hint = "a code is on its way to the number that ends in 21";
    assert_eq!(sent.is(200)["message"], hint);
    assert_eq!(outbox.last().to, "+5511987654321");
    let answer = world.meet(&challenge, "passcode", &outbox.code()).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(token["amr"], json!(["pwd", "sms", "mfa"]));
}

#[tokio::test]
async fn setting_up_sends_so_many_codes_and_no_more() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/mfa/setup", alice.id);
    let set_up = json!({"mfaType": "sms", "phone": "+5511987654321"});
    for _ in 0..4 {
        world.post(&alice, &path, set_up.clone()).await.is(200);
    }
    let fifth = world.post(&alice, &path, set_up.clone()).await;
    fifth.refuses(ErrorReason::TooManyAttempts);
    assert_eq!(outbox.count(), 4);
    world.pass(Duration::from_mins(15)).await;
    let alice = world.sign_in("alice").await;
    world.post(&alice, &path, set_up).await.is(200);
}

#[tokio::test]
async fn a_mailed_code_proves_who_disables_her_factors() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    enrol(&world, &outbox, &alice, json!({"mfaType": "email"})).await;
    let path = format!("/v1/users/{}/mfa/disable", alice.id);
    let challenge = format!("{path}/challenge");
    world.post(&alice, &challenge, json!({})).await.is(200);
    let proof = json!({"passcode": outbox.code()});
    let answer = world.post(&alice, &path, proof).await;
    assert_eq!(answer.is(200), &json!({"enabled": false}));
    assert!(world.knock("alice").await.get("mfaRequired").is_none());
}

#[tokio::test]
async fn many_challenges_are_not_many_messages() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    enrol(&world, &outbox, &alice, json!({"mfaType": "email"})).await;
    let before = outbox.count();
    for _ in 0..3 {
        let challenge = world.challenge("alice").await;
        for _ in 0..4 {
            send(&world, &challenge, "email").await.is(200);
        }
    }
    let challenge = world.challenge("alice").await;
    let more = send(&world, &challenge, "email").await;
    more.refuses(ErrorReason::TooManyAttempts);
    assert_eq!(outbox.count(), before + 12);
}

#[tokio::test]
async fn nobody_suspended_is_sent_a_code() {
    let (world, outbox) = Outbox::with_world().await;
    let alice = world.person("alice", &[]).await;
    enrol(&world, &outbox, &alice, json!({"mfaType": "email"})).await;
    let (challenge, before) = (world.challenge("alice").await, outbox.count());
    let (path, suspended) = (
        format!("/v1/users/{}", alice.id),
        json!({"status": "suspended"}),
    );
    world.patch(&world.admin, &path, suspended).await.is(204);
    let refused = send(&world, &challenge, "email").await;
    refused.refuses(ErrorReason::UserSuspended);
    assert_eq!(outbox.count(), before);
}
