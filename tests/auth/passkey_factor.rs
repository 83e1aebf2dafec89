//! A passkey as second factor: `VerifyMfa` and `EnrolMfa` with one.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Actor, Added, Answer, Begun, Key, PASSWORD, World, claims, texts};

const SIGN_IN: &str = "/v1/login/oauth/access_token";
const VERIFY: &str = "/v1/login/mfa/verify";
const ENROL: &str = "/v1/login/mfa/enrol";

async fn scene() -> (World, Actor, Added) {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let added = world.add_passkey(&alice).await;
    (world, alice, added)
}

async fn ask(world: &World, challenge: &str) -> Begun {
    world.begin_passkey(json!({"mfaToken": challenge})).await
}

async fn meet(world: &World, challenge: &str, begun: &Begun, credential: &str) -> Answer {
    let body = json!({
        "mfaToken": challenge, "mfaType": "passkey", "ceremony": begun.ceremony,
        "credential": credential,
    });
    world.post_openly(VERIFY, body).await
}

#[tokio::test]
async fn a_password_and_a_passkey_are_a_sign_in_with_two_factors() {
    let (world, alice, added) = scene().await;
    let challenge = world.challenge("alice").await;
    let begun = ask(&world, &challenge).await;
    let signed = added.key.sign(&begun.options);
    let answer = meet(&world, &challenge, &begun, &signed).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(token["sub"], *alice.id);
    assert_eq!(token["amr"], json!(["pwd", "pop", "mfa"]));
    assert_eq!(token["acr"], "urn:gatepost:acr:2");
    // A second key that does not keep who its user is does as well.
    let challenge = world.challenge("alice").await;
    let begun = ask(&world, &challenge).await;
    let mut key = added.key;
    key.handle = None;
    let answer = meet(&world, &challenge, &begun, &key.sign(&begun.options)).await;
    answer.is(200);
}

#[tokio::test]
async fn passkeys_are_offered_to_who_can_do_them() {
    let (world, alice, added) = scene().await;
    let body = |can: bool| {
        json!({
            "grantType": "password", "username": "alice", "password": PASSWORD, "passkeys": can,
        })
    };
    let plain = world.post_openly(SIGN_IN, body(false)).await;
    assert_eq!(plain.is(200)["methods"], json!([]));
    assert!(
        plain.body.get("preferredMethod").is_none(),
        "{}",
        plain.body
    );
    assert_eq!(plain.body["mfaRequired"], true, "the challenge is the same");
    let able = world.post_openly(SIGN_IN, body(true)).await;
    assert_eq!(able.is(200)["methods"], json!(["passkey"]));
    assert_eq!(able.body["preferredMethod"], "passkey");
    // Who cannot has the recovery codes that came with the first factor.
    assert_eq!(added.recovery_codes.len(), 10);
    let challenge = plain.body["mfaToken"].as_str().unwrap();
    let code = &added.recovery_codes[0];
    let answer = world.meet(challenge, "recoveryCode", code).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(token["sub"], *alice.id);
}

/// Checks that a challenge is not met by this, that the log tells why, and that no session began.
async fn is_refused(world: &World, alice: &Actor, (begun, signed): (&Begun, &str), reason: &str) {
    let before = world.sessions_of(&alice.id).await;
    let challenge = world.challenge("alice").await;
    let answer = meet(world, &challenge, begun, signed).await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    let told = world.refusals("mfa.refuse").await;
    assert_eq!(told.last().unwrap(), &(alice.id.clone(), reason.to_owned()));
    assert_eq!(world.sessions_of(&alice.id).await, before);
}

#[tokio::test]
async fn a_ceremony_is_good_for_its_own_challenge() {
    let (world, alice, added) = scene().await;
    let other = world.challenge("alice").await;
    let begun = ask(&world, &other).await;
    let signed = added.key.sign(&begun.options);
    is_refused(&world, &alice, (&begun, &signed), "PASSKEY_CEREMONY_OVER").await;
}

#[tokio::test]
async fn a_ceremony_of_a_sign_in_meets_no_challenge() {
    let (world, alice, added) = scene().await;
    let begun = world.begin_passkey(json!({})).await;
    let signed = added.key.sign(&begun.options);
    is_refused(&world, &alice, (&begun, &signed), "PASSKEY_CEREMONY_OVER").await;
}

#[tokio::test]
async fn a_challenge_is_not_met_by_the_passkey_of_somebody_else() {
    let (world, alice, _) = scene().await;
    let mallory = world.person("mallory", &[]).await;
    let his = world.add_passkey(&mallory).await;
    // He has found her password, and has a passkey of his own.
    let count = world.sessions_of(&alice.id).await;
    let challenge = world.challenge("alice").await;
    let begun = ask(&world, &challenge).await;
    let answer = meet(&world, &challenge, &begun, &his.key.sign(&begun.options)).await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    let told = world.refusals("mfa.refuse").await;
    assert_eq!(told, [(alice.id.clone(), "PASSKEY_UNKNOWN".to_owned())]);
    assert_eq!(world.sessions_of(&alice.id).await, count);
}

#[tokio::test]
async fn what_is_wrong_with_a_passkey_is_wrong_with_a_second_factor() {
    type Change = fn(&mut Key);
    let changes: [(Change, &str); 4] = [
        (
            |key| key.origin = "https://evil.test".to_owned(),
            "PASSKEY_FOREIGN",
        ),
        (|key| key.verified = false, "PASSKEY_UNVERIFIED"),
        (|key| key.handle = Some(vec![7; 16]), "PASSKEY_FOREIGN"),
        (|key| key.framed = true, "PASSKEY_FOREIGN"),
    ];
    for (change, reason) in changes {
        let (world, alice, mut added) = scene().await;
        change(&mut added.key);
        let count = world.sessions_of(&alice.id).await;
        let challenge = world.challenge("alice").await;
        let begun = ask(&world, &challenge).await;
        let signed = added.key.sign(&begun.options);
        let answer = meet(&world, &challenge, &begun, &signed).await;
        answer.refuses(ErrorReason::PasskeyInvalid);
        let told = world.refusals("mfa.refuse").await;
        assert_eq!(told, [(alice.id.clone(), reason.to_owned())]);
        assert_eq!(world.sessions_of(&alice.id).await, count);
        world.close().await;
    }
}

#[tokio::test]
async fn a_passkey_that_was_deleted_meets_no_challenge() {
    let (world, alice, added) = scene().await;
    let strong = world.sign_in_by(&added.key).await;
    let other = world.add_passkey(&strong).await;
    let challenge = world.challenge("alice").await;
    let begun = ask(&world, &challenge).await;
    let path = format!("/v1/users/{}/passkeys/{}", alice.id, added.id);
    world.delete(&strong, &path).await.is(204);
    let answer = meet(&world, &challenge, &begun, &added.key.sign(&begun.options)).await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    let told = world.refusals("mfa.refuse").await;
    assert_eq!(told, [(alice.id.clone(), "PASSKEY_UNKNOWN".to_owned())]);
    // The challenge itself waits for the other one.
    let begun = ask(&world, &challenge).await;
    let answer = meet(&world, &challenge, &begun, &other.key.sign(&begun.options)).await;
    answer.is(200);
}

#[tokio::test]
async fn a_replayed_signature_meets_nothing_again() {
    let (world, alice, added) = scene().await;
    let challenge = world.challenge("alice").await;
    let begun = ask(&world, &challenge).await;
    let mut unverified = added.key;
    unverified.verified = false;
    let wrong = unverified.sign(&begun.options);
    unverified.verified = true;
    let right = unverified.sign(&begun.options);
    let answer = meet(&world, &challenge, &begun, &wrong).await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    let answer = meet(&world, &challenge, &begun, &right).await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    let told = world.refusals("mfa.refuse").await;
    let reasons: Vec<&str> = told.iter().map(|(_, reason)| reason.as_str()).collect();
    assert!(reasons.contains(&"PASSKEY_REPLAYED"), "{reasons:?}");
    assert!(reasons.contains(&"PASSKEY_UNVERIFIED"), "{reasons:?}");
    assert_eq!(world.sessions_of(&alice.id).await, 1);
}

/// A challenge of somebody who must have a factor and has none.
async fn must_enrol(world: &World, methods: Value) -> String {
    let policy = json!({"mode": "required", "methods": methods});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
    world.challenge("alice").await
}

#[tokio::test]
async fn who_must_have_a_factor_makes_a_passkey_on_the_way() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let challenge = must_enrol(&world, json!(["passkey"])).await;
    let body = json!({"mfaToken": challenge, "mfaType": "passkey"});
    let told = world.post_openly(ENROL, body.clone()).await;
    assert_eq!(texts(&told.is(200)["recoveryCodes"]).len(), 10);
    let begun = Begun::of(&told.body);
    let key = Key::new(&begun.options);
    // One that does not verify its user is none.
    let mut weak = Key::new(&begun.options);
    weak.verified = false;
    let answer = meet(&world, &challenge, &begun, &weak.made(&begun.options)).await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    let told = world.refusals("mfa.refuse").await;
    assert_eq!(told, [(alice.id.clone(), "PASSKEY_UNVERIFIED".to_owned())]);
    let again = world.post_openly(ENROL, body).await;
    let begun = Begun::of(again.is(200));
    let answer = meet(&world, &challenge, &begun, &key.made(&begun.options)).await;
    let token = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(
        (&token["sub"], &token["acr"]),
        (&json!(alice.id), &json!("urn:gatepost:acr:2"))
    );
    assert_eq!(world.sign_in_by(&key).await.id, alice.id);
}

#[tokio::test]
async fn an_enrolment_is_for_who_was_challenged() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mallory = world.person("mallory", &[]).await;
    // A registration that he began for himself is worth nothing for her.
    let (begun, _) = world.begin_registration(&mallory).await;
    let challenge = must_enrol(&world, json!(["app", "passkey"])).await;
    let key = Key::new(&begun.options);
    let answer = meet(&world, &challenge, &begun, &key.made(&begun.options)).await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    world.pass(Duration::from_secs(1)).await;
    let begun = world.begin_passkey(json!({})).await;
    let signed = key.sign(&begun.options);
    let nobody = world.finish_passkey(&begun, &signed).await;
    nobody.refuses(ErrorReason::PasskeyInvalid);
}
