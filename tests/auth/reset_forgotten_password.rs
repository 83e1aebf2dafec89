//! `ResetForgottenPassword`.

use std::time::Duration;

use futures::future::join_all;
use gatepost_proto::ErrorReason;
use reqwest::StatusCode;
use serde_json::json;

use crate::world::{Answer, NEXT_PASSWORD, PASSWORD, World};

const PATH: &str = "/v1/login/reset-password";

async fn reset(world: &World, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "newPassword": password});
    world.post_openly(PATH, body).await
}

#[tokio::test]
async fn a_link_sets_the_password_once_and_ends_every_session() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let token = world.reset_token("alice").await;
    let answer = reset(&world, &token, NEXT_PASSWORD).await;
    assert!(answer.is(204).is_null());
    let ended = world.get(&alice, "/v1/userinfo").await;
    ended.refuses(ErrorReason::SessionEnded);
    let refresh = json!({"refreshToken": alice.refresh_token});
    let path = "/v1/login/oauth/refresh_token";
    let turned = world.post_openly(path, refresh).await;
    turned.refuses(ErrorReason::RefreshTokenInvalid);
    let client = world.anonymous().await;
    assert!(client.password_token("alice", NEXT_PASSWORD).await.is_ok());
    assert!(client.password_token("alice", PASSWORD).await.is_err());
    let path = "/v1/audit-events?action=user.reset_forgotten_password";
    let events = world.get(&world.admin, path).await;
    let event = &events.is(200)["items"][0];
    assert_eq!(
        (&event["actorId"], &event["targetId"]),
        (&json!(alice.id), &json!(alice.id))
    );
    assert_eq!(event["requestId"], *answer.header("x-request-id"));
    // She is told.
    let mail = world.mails().next(1).await;
    assert_eq!(mail.to, "alice@example.com");
    assert_eq!(mail.subject, "Your password was changed");
    assert!(!mail.text.contains("http"), "{}", mail.text);
    // Once.
    let again = reset(&world, &token, "yet another horse").await;
    again.refuses(ErrorReason::ResetTokenInvalid);
    assert!(client.password_token("alice", NEXT_PASSWORD).await.is_ok());
    let path = "/v1/audit-events?action=user.reset_refused";
    let events = world.get(&world.admin, path).await;
    assert_eq!(events.is(200)["items"][0]["targetId"], *alice.id);
}

#[tokio::test]
async fn a_link_is_good_for_half_an_hour() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let token = world.reset_token("alice").await;
    world.pass(Duration::from_mins(30)).await;
    let late = reset(&world, &token, NEXT_PASSWORD).await;
    late.refuses(ErrorReason::ResetTokenInvalid);
    let token = world.reset_token("alice").await;
    world.pass(Duration::from_mins(29)).await;
    assert!(reset(&world, &token, NEXT_PASSWORD).await.is(204).is_null());
}

#[tokio::test]
async fn a_password_that_was_changed_voids_the_links_of_before() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let (first, second) = (
        world.reset_token("alice").await,
        world.reset_token("alice").await,
    );
    let path = format!("/v1/users/{}/reset-password", alice.id);
    let body = json!({"newPassword": NEXT_PASSWORD});
    world.patch(&world.admin, &path, body).await.is(204);
    for token in [first, second] {
        let refused = reset(&world, &token, "yet another horse").await;
        refused.refuses(ErrorReason::ResetTokenInvalid);
    }
    // So does another address: the mail went to the one before.
    let token = world.reset_token("alice").await;
    let path = format!("/v1/users/{}", alice.id);
    let body = json!({"email": "alice@elsewhere.test"});
    world.patch(&world.admin, &path, body).await.is(204);
    let refused = reset(&world, &token, "yet another horse").await;
    refused.refuses(ErrorReason::ResetTokenInvalid);
}

#[tokio::test]
async fn a_password_that_is_refused_leaves_the_link_good() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let token = world.reset_token("alice").await;
    for bad in ["short", "password1", PASSWORD, "alice@example.com"] {
        let refused = reset(&world, &token, bad).await;
        refused.refuses(ErrorReason::PasswordRefused);
    }
    assert!(reset(&world, &token, NEXT_PASSWORD).await.is(204).is_null());
}

#[tokio::test]
async fn of_many_with_one_link_one_sets_the_password() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let token = world.reset_token("alice").await;
    let passwords: Vec<String> = (0..6).map(|n| format!("a good horse number {n}")).collect();
    let all = passwords.iter().map(|one| reset(&world, &token, one));
    let answers = join_all(all).await;
    let done = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::NO_CONTENT);
    assert_eq!(done.count(), 1);
    for answer in &answers {
        if answer.status != StatusCode::NO_CONTENT {
            answer.refuses(ErrorReason::ResetTokenInvalid);
        }
    }
}

#[tokio::test]
async fn a_made_up_link_is_refused() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let token = world.reset_token("alice").await;
    let cut = token.get(..token.len() - 2).unwrap();
    for bad in ["x", "gpw_", "gpw_AAAA", &world.admin.refresh_token, cut] {
        let refused = reset(&world, bad, NEXT_PASSWORD).await;
        refused.refuses(ErrorReason::ResetTokenInvalid);
    }
}
