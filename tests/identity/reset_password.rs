//! `ResetPassword`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{NEXT_PASSWORD, NOBODY, PASSWORD, World};

#[tokio::test]
async fn a_reset_ends_every_session() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let other = world.sign_in("alice").await;
    let path = format!("/v1/users/{}/reset-password", alice.id);
    let body = json!({"newPassword": NEXT_PASSWORD});
    let answer = world.patch(&world.admin, &path, body).await;
    assert!(answer.is(204).is_null());
    for ended in [&alice, &other] {
        world
            .get(ended, "/v1/userinfo")
            .await
            .refuses(ErrorReason::SessionEnded);
        let refresh = json!({"refreshToken": ended.refresh_token});
        let refresh = world
            .post_openly("/v1/login/oauth/refresh_token", refresh)
            .await;
        refresh.refuses(ErrorReason::RefreshTokenInvalid);
    }
    let client = world.anonymous().await;
    assert!(client.password_token("alice", NEXT_PASSWORD).await.is_ok());
    assert!(client.password_token("alice", PASSWORD).await.is_err());
    let event = world.audit(&answer, "user.reset_password").await;
    assert_eq!(event["targetId"], *alice.id);
}

#[tokio::test]
async fn a_reset_needs_a_user_a_good_password_and_the_permission() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/reset-password", alice.id);
    let weak = world
        .patch(&world.admin, &path, json!({"newPassword": "12345678"}))
        .await;
    weak.refuses(ErrorReason::PasswordRefused);
    let body = json!({"newPassword": NEXT_PASSWORD});
    let unknown = format!("/v1/users/{NOBODY}/reset-password");
    let unknown = world.patch(&world.admin, &unknown, body.clone()).await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::PATCH, &path, body).await;
}

#[tokio::test]
async fn a_reset_brings_none_of_the_last_passwords_back() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/reset-password", alice.id);
    let reset = |password: &str| {
        let body = json!({"newPassword": password});
        world.patch(&world.admin, &path, body)
    };
    reset(PASSWORD).await.refuses(ErrorReason::PasswordRefused);
    let others: Vec<String> = (1..=5).map(|n| format!("password number {n}")).collect();
    for other in &others {
        reset(PASSWORD).await.refuses(ErrorReason::PasswordRefused);
        reset(other).await.is(204);
    }
    for other in &others {
        reset(other).await.refuses(ErrorReason::PasswordRefused);
    }
    reset(PASSWORD).await.is(204);
    world.sign_in("alice").await;
}
