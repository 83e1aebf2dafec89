//! `DeleteUser`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, new_user};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_deleted_user_is_gone_with_all_her_tokens() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    let path = format!("/v1/users/{}", alice.id);
    let before = world.get(&world.admin, &path).await;
    let answer = world.delete(&world.admin, &path).await;
    assert!(answer.is(204).is_null());
    let gone = world.authorize(&alice, "midaz", "accounts", "get").await;
    gone.refuses(ErrorReason::UserGone);
    let refresh = json!({"refreshToken": alice.refresh_token});
    let refresh = world
        .post_openly("/v1/login/oauth/refresh_token", refresh)
        .await;
    refresh.refuses(ErrorReason::RefreshTokenInvalid);
    world
        .get(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    let group = world
        .get(&world.admin, "/v1/groups/midaz-viewer-group")
        .await;
    assert_eq!(group.is(200)["users"], json!([]));
    let event = world.audit(&answer, "user.delete").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &json!(null))
    );
    // Her name is free again, and whoever takes it is somebody else.
    world
        .post(&world.admin, "/v1/users", new_user("alice", &[]))
        .await
        .is(201);
    world
        .get(&alice, "/v1/userinfo")
        .await
        .refuses(ErrorReason::UserGone);
}

#[tokio::test]
async fn an_unknown_user_is_not_found() {
    let world = World::start().await;
    let path = format!("/v1/users/{NOBODY}");
    world
        .delete(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, &path, json!({})).await;
}
