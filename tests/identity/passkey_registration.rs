//! `SetUpFactor` and `VerifyFactor` of a passkey.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::world::{Actor, Key, World};

async fn scene() -> (World, Actor) {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    (world, alice)
}

/// The passkeys of somebody.
async fn passkeys(world: &World, actor: &Actor) -> Vec<Value> {
    let path = format!("/v1/users/{}/passkeys", actor.id);
    let list = world.get(&world.admin, &path).await;
    list.is(200)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_browser_is_told_for_whom_and_nothing_of_who_she_is() {
    let (world, alice) = scene().await;
    let path = format!("/v1/users/{}/mfa/setup", alice.id);
    let body = json!({"mfaType": "passkey"});
    let answer = world.post(&alice, &path, body.clone()).await;
    let told = answer.is(200);
    assert_eq!(
        (&told["mfaType"], &told["enabled"]),
        (&json!("passkey"), &json!(false))
    );
    assert_eq!(told["secret"], "");
    let options: Value = serde_json::from_str(told["options"].as_str().unwrap()).unwrap();
    assert_eq!(
        options["rp"],
        json!({"id": "gatepost.test", "name": "Default"})
    );
    assert_eq!(options["user"]["name"], "alice");
    assert_eq!(options["user"]["displayName"], "Test alice");
    let selection = &options["authenticatorSelection"];
    assert_eq!(
        (&selection["userVerification"], &selection["residentKey"]),
        (&json!("required"), &json!("preferred"))
    );
    // The handle is no name and no id of hers (WebAuthn level 3, §14.6.1), and always the same.
    let handle = options["user"]["id"].as_str().unwrap();
    assert_eq!(handle.len(), 22);
    assert!(!told["options"].as_str().unwrap().contains(&alice.id));
    let again = world.post(&alice, &path, body).await;
    let again: Value = serde_json::from_str(again.is(200)["options"].as_str().unwrap()).unwrap();
    assert_eq!(again["user"]["id"], handle);
    assert_ne!(again["challenge"], options["challenge"]);
    assert_eq!(passkeys(&world, &alice).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_passkey_counts_when_it_is_proved() {
    let (world, alice) = scene().await;
    let (begun, codes) = world.begin_registration(&alice).await;
    assert_eq!(codes.len(), 10);
    let mut key = Key::new(&begun.options);
    key.backed_up = true;
    let made = key.made(&begun.options);
    let answer = world.register(&alice, &begun, &made).await;
    assert_eq!(answer.is(200), &json!({"verified": true}));
    let listed = passkeys(&world, &alice).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["backedUp"]),
        (&json!("Phone"), &json!(true))
    );
    let path = format!("/v1/users/{}/mfa", alice.id);
    let status = world.get(&alice, &path).await;
    assert_eq!(status.is(200)["methods"], json!(["passkey"]));
    assert_eq!(status.body["passkeyEnabled"], true);
    assert_eq!(world.sign_in_by(&key).await.id, alice.id);
    // What was made is good once.
    let again = world.register(&alice, &begun, &made).await;
    again.refuses(ErrorReason::PasskeyInvalid);
    let told = world.refusals("mfa.refuse").await;
    assert_eq!(told, [(alice.id.clone(), "PASSKEY_REPLAYED".to_owned())]);
}

#[tokio::test]
async fn who_has_a_factor_needs_it_to_add_a_passkey() {
    let (world, alice) = scene().await;
    let app = world.enrol(&alice).await;
    let path = format!("/v1/users/{}/mfa/setup", alice.id);
    let weak = world
        .post(&alice, &path, json!({"mfaType": "passkey"}))
        .await;
    weak.refuses(ErrorReason::StrongerSignInNeeded);
    let strong = world.sign_in_twice("alice", &app.recovery_codes[0]).await;
    let added = world.add_passkey(&strong).await;
    assert_eq!(
        added.recovery_codes,
        Vec::<String>::new(),
        "those there are stay good"
    );
    // An authenticator that has one is told so, and makes no second one.
    let (begun, _) = world.begin_registration(&strong).await;
    let options: Value = serde_json::from_str(&begun.options).unwrap();
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    let taken = world
        .register(&strong, &begun, &added.key.made(&begun.options))
        .await;
    taken.refuses(ErrorReason::NameTaken);
    assert_eq!(passkeys(&world, &alice).await.len(), 1);
}

#[tokio::test]
async fn what_was_made_for_something_else_is_no_passkey() {
    type Change = fn(&mut Key);
    let changes: [(Change, &str); 3] = [
        (
            |key| key.origin = "https://evil.test".to_owned(),
            "PASSKEY_FOREIGN",
        ),
        (|key| key.party = "evil.test".to_owned(), "PASSKEY_FOREIGN"),
        (|key| key.verified = false, "PASSKEY_UNVERIFIED"),
    ];
    for (change, reason) in changes {
        let (world, alice) = scene().await;
        let (begun, _) = world.begin_registration(&alice).await;
        let mut key = Key::new(&begun.options);
        change(&mut key);
        let answer = world
            .register(&alice, &begun, &key.made(&begun.options))
            .await;
        answer.refuses(ErrorReason::PasskeyInvalid);
        let told = world.refusals("mfa.refuse").await;
        assert_eq!(told, [(alice.id.clone(), reason.to_owned())]);
        assert_eq!(passkeys(&world, &alice).await, Vec::<Value>::new());
        world.close().await;
    }
}

#[tokio::test]
async fn a_registration_belongs_to_its_session_and_its_time() {
    let (world, alice) = scene().await;
    let mallory = world.person("mallory", &[]).await;
    let other = world.sign_in("alice").await;
    for actor in [&mallory, &other] {
        let (begun, _) = world.begin_registration(actor).await;
        let key = Key::new(&begun.options);
        let answer = world
            .register(&alice, &begun, &key.made(&begun.options))
            .await;
        answer.refuses(ErrorReason::PasskeyInvalid);
    }
    let (begun, _) = world.begin_registration(&alice).await;
    let key = Key::new(&begun.options);
    // A challenge that was not this one's, and no such thing at all.
    let (another, _) = world.begin_registration(&alice).await;
    let mixed = world
        .register(&alice, &begun, &key.made(&another.options))
        .await;
    mixed.refuses(ErrorReason::PasskeyInvalid);
    let nonsense = world.register(&alice, &another, "{}").await;
    nonsense.refuses(ErrorReason::PasskeyInvalid);
    let (late, _) = world.begin_registration(&alice).await;
    world.pass(Duration::from_secs(601)).await;
    let answer = world
        .register(&alice, &late, &key.made(&late.options))
        .await;
    answer.refuses(ErrorReason::PasskeyInvalid);
    assert_eq!(passkeys(&world, &alice).await, Vec::<Value>::new());
    assert_eq!(world.refusals("mfa.refuse").await.len(), 5);
}

#[tokio::test]
async fn a_user_has_so_many_and_no_more() {
    let (world, alice) = scene().await;
    let added = world.add_passkey(&alice).await;
    let strong = world.sign_in_by(&added.key).await;
    for _ in 1..20 {
        world.add_passkey(&strong).await;
    }
    let path = format!("/v1/users/{}/mfa/setup", alice.id);
    let full = world
        .post(&strong, &path, json!({"mfaType": "passkey"}))
        .await;
    full.refuses(ErrorReason::LimitReached);
    assert_eq!(passkeys(&world, &alice).await.len(), 20);
}
