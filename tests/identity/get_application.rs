//! `GetApplication`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn an_application_is_shown_without_its_secret() {
    let world = World::start().await;
    let mut made = application(&world, &world.admin, json!({"name": "midaz"})).await;
    made.as_object_mut()
        .unwrap()
        .remove("clientSecret")
        .unwrap();
    let path = format!("/v1/applications/{}", made["id"].as_str().unwrap());
    let answer = world.get(&world.admin, &path).await;
    assert_eq!(*answer.is(200), made);
}

#[tokio::test]
async fn an_unknown_application_is_not_found() {
    let world = World::start().await;
    let path = format!("/v1/applications/{NOBODY}");
    world
        .get(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    let user = format!("/v1/applications/{}", world.admin.id);
    world
        .get(&world.admin, &user)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::GET, &path, json!({})).await;
}
