//! `GrantUserRole`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_user_may_what_her_role_allows() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    let answer = world.put(&world.admin, &path).await;
    assert!(answer.is(204).is_null());
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    let event = world.audit(&answer, "user.grant_role").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("user"), &json!(alice.id))
    );
    let role = world.get(&world.admin, "/v1/roles/midaz-viewer-role").await;
    let role = role.is(200)["id"].as_str().unwrap();
    assert!(
        event["after"].to_string().contains(role),
        "the log names the role: {event}"
    );
    let by_id = path.replace("midaz-viewer-role", role);
    let again = world.put(&world.admin, &by_id).await;
    again.is(204);
    assert_eq!(again.revision(), answer.revision(), "nothing changed");
}

#[tokio::test]
async fn holder_and_role_must_be_there() {
    let world = World::start().await;
    let path = format!("/v1/users/{NOBODY}/roles/midaz-viewer-role");
    world
        .put(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    let id = &world.admin.id;
    let unknown = format!("/v1/users/{id}/roles/nowhere");
    world
        .put(&world.admin, &unknown)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::PUT, &path, json!({})).await;
}
