//! `ListUsers`.

use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{World, fields};

#[tokio::test]
async fn users_are_listed_oldest_first_with_their_groups() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let answer = world.get(&world.admin, "/v1/users").await;
    let body = answer.is(200);
    assert_eq!(
        fields(body),
        ["items", "limit", "nextPageToken", "page", "total"]
    );
    assert_eq!(
        (&body["page"], &body["limit"], &body["total"]),
        (&json!(1), &json!(10), &json!(2))
    );
    assert_eq!(body["items"][0]["username"], "admin");
    let one = world
        .get(&world.admin, &format!("/v1/users/{}", alice.id))
        .await;
    assert_eq!(body["items"][1], *one.is(200));
    assert_eq!(body["items"][1]["groups"], json!(["midaz-viewer-group"]));
}

#[tokio::test]
async fn only_the_permitted_list_users() {
    let world = World::start().await;
    is_guarded(&world, Method::GET, "/v1/users", json!({})).await;
}
