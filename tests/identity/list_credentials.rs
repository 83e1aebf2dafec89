//! `ListCredentials`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::{NOBODY, World, claims};

#[tokio::test]
async fn the_secrets_are_listed_without_the_secrets() {
    let world = World::start().await;
    let midaz = world.machine("midaz", &[]).await;
    application(&world, &world.admin, json!({"name": "other"})).await;
    let path = format!("/v1/applications/{}/credentials", midaz.id);
    let more = world.post(&world.admin, &path, json!({})).await;
    let list = world.get(&world.admin, &path).await;
    let items = list.is(200)["items"].as_array().unwrap();
    // The session of its tokens is the secret that they were bought with.
    let ids: Vec<_> = items.iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, [&claims(&midaz.token)["sid"], &more.is(201)["id"]]);
    assert!(items.iter().all(|item| item["clientSecret"].is_null()));
}

#[tokio::test]
async fn an_unknown_application_is_not_found() {
    let world = World::start().await;
    let path = format!("/v1/applications/{NOBODY}/credentials");
    let unknown = world.get(&world.admin, &path).await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::GET, &path, json!({})).await;
}
