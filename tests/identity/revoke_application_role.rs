//! `RevokeApplicationRole`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_machine_may_not_any_more_what_its_role_allowed() {
    let world = World::start().await;
    let machine = world.machine("worker", &[]).await;
    let path = format!("/v1/applications/{}/roles/midaz-viewer-role", machine.id);
    world.put(&world.admin, &path).await.is(204);
    assert!(world.may(&machine, "midaz", "accounts", "get").await);
    let answer = world.delete(&world.admin, &path).await;
    assert!(answer.is(204).is_null());
    assert!(!world.may(&machine, "midaz", "accounts", "get").await);
    let event = world.audit(&answer, "application.revoke_role").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("application"), &json!(machine.id))
    );
    let role = world.get(&world.admin, "/v1/roles/midaz-viewer-role").await;
    let role = role.is(200)["id"].as_str().unwrap();
    assert!(
        event["before"].to_string().contains(role),
        "the log names the role: {event}"
    );
    let again = world.delete(&world.admin, &path).await;
    again.is(204);
    assert_eq!(again.revision(), answer.revision(), "nothing changed");
}

#[tokio::test]
async fn holder_and_role_must_be_there() {
    let world = World::start().await;
    let path = format!("/v1/applications/{NOBODY}/roles/midaz-viewer-role");
    world
        .delete(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    let id = world.machine("worker", &[]).await.id;
    let unknown = format!("/v1/applications/{id}/roles/nowhere");
    world
        .delete(&world.admin, &unknown)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, &path, json!({})).await;
}
