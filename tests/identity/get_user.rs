//! `GetUser`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, new_user};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_user_is_shown_as_she_was_created() {
    let world = World::start().await;
    let made = world
        .post(&world.admin, "/v1/users", new_user("alice", &[]))
        .await;
    let path = format!("/v1/users/{}", made.is(201)["id"].as_str().unwrap());
    let answer = world.get(&world.admin, &path).await;
    assert_eq!(answer.is(200), made.is(201));
    assert_eq!(answer.revision(), made.revision());
}

#[tokio::test]
async fn an_unknown_id_is_not_found_and_no_id_is_a_bad_path() {
    let world = World::start().await;
    let unknown = world
        .get(&world.admin, &format!("/v1/users/{NOBODY}"))
        .await;
    unknown.refuses(ErrorReason::NotFound);
    let malformed = world.get(&world.admin, "/v1/users/alice").await;
    malformed.refuses(ErrorReason::InvalidRequest);
    assert_eq!(malformed.body["code"], "IDE-0002");
    let path = format!("/v1/users/{NOBODY}");
    is_guarded(&world, Method::GET, &path, json!({})).await;
}
