//! `ForgotPassword`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Answer, NEXT_PASSWORD, PASSWORD, PUBLIC_URL, World, claims};

const PATH: &str = "/v1/login/forgot-password";

async fn forgot(world: &World, username: &str) -> Answer {
    world.post_openly(PATH, json!({"username": username})).await
}

#[tokio::test]
async fn a_link_goes_to_the_address_and_the_log_tells_of_it() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    assert!(forgot(&world, "Alice").await.is(204).is_null());
    let mail = world.mails().next(0).await;
    assert_eq!(mail.to, "alice@example.com");
    assert_eq!(mail.subject, "Set a new password");
    let link = format!("{PUBLIC_URL}/reset-password?token=gpw_");
    assert!(mail.link().starts_with(&link), "{}", mail.text);
    let path = "/v1/audit-events?action=user.forget_password";
    let events = world.get(&world.admin, path).await;
    let event = &events.is(200)["items"][0];
    assert_eq!(event["targetId"], *alice.id);
    assert_eq!(event["actorType"], "anonymous");
    assert!(!event.to_string().contains("gpw_"));
}

#[tokio::test]
async fn the_answer_is_the_same_whoever_is_asked_about() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    // Nobody; somebody without an address; an address that nobody proved, without a client.
    for username in ["nobody", "admin", "nobody@example.com", "alice@example.com"] {
        let answer = forgot(&world, username).await;
        assert!(answer.is(204).is_null(), "{username}");
    }
    let through = |client_id: &Value| json!({"username": "alice", "clientId": client_id});
    let unknown = world.post_openly(PATH, through(&json!("no-client"))).await;
    assert!(unknown.is(204).is_null());
    let suspended = json!({"status": "suspended"});
    let bob = world.person("bob", &[]).await;
    let path = format!("/v1/users/{}", bob.id);
    world.patch(&world.admin, &path, suspended).await.is(204);
    assert!(forgot(&world, "bob").await.is(204).is_null());
    // The first mail is the first that was due.
    let made = application(&world, &world.admin, json!({"name": "shop"})).await;
    let known = world.post_openly(PATH, through(&made["clientId"])).await;
    assert!(known.is(204).is_null());
    assert_eq!(world.mails().next(0).await.to, "alice@example.com");
    assert_eq!(world.mails().count(), 1);
}

#[tokio::test]
async fn a_host_header_does_not_poison_the_link() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let request = world
        .request(Method::POST, PATH)
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("forwarded", "host=evil.test;proto=http")
        .header("origin", "https://evil.test")
        .json(&json!({"username": "alice"}));
    assert!(world.send(request).await.is(204).is_null());
    let mail = world.mails().next(0).await;
    assert!(mail.link().starts_with(PUBLIC_URL), "{}", mail.text);
    assert!(!mail.text.contains("evil"), "{}", mail.text);
}

#[tokio::test]
async fn the_mail_speaks_portuguese_and_leads_to_the_organization() {
    let world = World::start_multi_tenant().await;
    world.organization("bakery").await;
    let body = json!({"username": "admin-of-bakery", "language": "pt"});
    world.post_openly(PATH, body).await.is(204);
    let mail = world.mails().next(0).await;
    assert_eq!(mail.subject, "Defina uma nova senha");
    let link = format!("{PUBLIC_URL}/o/bakery/reset-password?token=");
    assert!(mail.link().starts_with(&link), "{}", mail.text);
    let bad = json!({"username": "x", "language": "fr"});
    let refused = world.post_openly(PATH, bad).await;
    refused.refuses(ErrorReason::InvalidRequest);
}

#[tokio::test]
async fn links_are_limited_by_address_and_by_account() {
    let settings = [("GATEPOST_FORGOTTEN_PER_QUARTER_HOUR", "6")];
    let world = World::start_with(&settings).await;
    world.person("alice", &[]).await;
    world.person("bob", &[]).await;
    for username in ["alice", "alice", "ALICE", "alice", "alice", "bob"] {
        assert!(forgot(&world, username).await.is(204).is_null());
    }
    // Three of hers, and his.
    world.mails().next(3).await;
    let refused = forgot(&world, "carol").await;
    refused.refuses(ErrorReason::TooManyAttempts);
    if world.counts_by_valkey() {
        // Its windows end by its own clock, which no test can move.
        return;
    }
    world.pass(Duration::from_mins(16)).await;
    assert!(forgot(&world, "alice").await.is(204).is_null());
    assert_eq!(world.mails().next(4).await.to, "alice@example.com");
    assert_eq!(world.mails().count(), 5);
}

#[tokio::test]
async fn it_is_off_until_the_operator_switches_it_on() {
    let world = World::start_with(&[("GATEPOST_FORGOT_PASSWORD", "false")]).await;
    let refused = forgot(&world, "admin").await;
    refused.refuses(ErrorReason::SwitchedOff);
    let body = json!({"token": "gpw_x", "newPassword": "an even longer horse"});
    let refused = world.post_openly("/v1/login/reset-password", body).await;
    refused.refuses(ErrorReason::SwitchedOff);
}

/// Where nobody signs in with a password, nobody is mailed a link to set one, and a link from
/// before lets nobody in.
#[tokio::test]
async fn nothing_is_mailed_where_passwords_are_off() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let username = "admin-of-bakery";
    let before = world.reset_token(username).await;
    let organization = claims(&owner.token)["tenantId"].clone();
    let path = format!("/v1/organizations/{}", organization.as_str().unwrap());
    let switch = async |on: bool| {
        let body = json!({"passwordSignIn": on});
        world.patch(&world.admin, &path, body).await.is(200);
    };
    switch(false).await;
    assert!(forgot(&world, username).await.is(204).is_null());
    let body = json!({"token": before, "newPassword": NEXT_PASSWORD});
    let reset = world.post_openly("/v1/login/reset-password", body).await;
    let client = world.anonymous().await;
    let in_use = if reset.status == 204 {
        NEXT_PASSWORD
    } else {
        PASSWORD
    };
    let refused = client.password_token(username, in_use).await;
    let reason = refused.unwrap_err().reason();
    assert_eq!(reason, Some(ErrorReason::PasswordSignInOff));
    switch(true).await;
    client.password_token(username, in_use).await.unwrap();
    assert!(forgot(&world, username).await.is(204).is_null());
    // No link was mailed meanwhile; that her password was changed, she may have been told.
    let mut links = 0;
    for number in 0.. {
        let mail = world.mails().next(number).await;
        links += usize::from(mail.text.contains("?token="));
        if links == 2 {
            assert_eq!(world.mails().count(), number + 1);
            assert!(number <= 2, "{number}");
            break;
        }
    }
}
