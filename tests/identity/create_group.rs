//! `CreateGroup`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{group, is_guarded};
use crate::world::{NOBODY, World};

const PATH: &str = "/v1/groups";

#[tokio::test]
async fn a_group_may_hold_other_groups_from_the_start() {
    let world = World::start().await;
    let inner = group(&world, &world.admin, "inner", &[]).await;
    let body = json!({"name": "Outer", "groups": [inner, "inner"]});
    let answer = world.post(&world.admin, PATH, body).await;
    let made = answer.is(201);
    let expected = json!({
        "id": made["id"], "name": "Outer", "createdAt": made["createdAt"],
        "users": [], "groups": ["inner"], "roles": [], "builtIn": false,
    });
    assert_eq!(*made, expected);
    let event = world.audit(&answer, "group.create").await;
    assert_eq!((&event["before"], &event["after"]), (&json!(null), made));
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("group"), &made["id"])
    );
}

#[tokio::test]
async fn a_name_is_unique_and_looks_like_no_id() {
    let world = World::start().await;
    for taken in ["admin-group", "ADMIN-GROUP"] {
        let answer = world.post(&world.admin, PATH, json!({"name": taken})).await;
        answer.refuses(ErrorReason::NameTaken);
    }
    for bad in [NOBODY, "a/b", "", " a"] {
        let answer = world.post(&world.admin, PATH, json!({"name": bad})).await;
        answer.refuses(ErrorReason::InvalidRequest);
    }
    let body = json!({"name": "outer", "groups": ["nowhere"]});
    let missing = world.post(&world.admin, PATH, body.clone()).await;
    missing.refuses(ErrorReason::NotFound);
    let half_made = world.get(&world.admin, "/v1/groups/outer").await;
    half_made.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::POST, PATH, body).await;
}
