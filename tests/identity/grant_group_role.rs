//! `GrantGroupRole`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{after, group, is_guarded};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn the_members_of_a_group_may_what_its_role_allows() {
    let world = World::start().await;
    let team = group(&world, &world.admin, "team", &[]).await;
    let alice = world.person("alice", &["team"]).await;
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    let path = String::from("/v1/groups/team/roles/midaz-viewer-role");
    let answer = world.put(&world.admin, &path).await;
    assert!(answer.is(204).is_null());
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    let event = world.audit(&answer, "group.grant_role").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("group"), &json!(team))
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
    let path = format!("/v1/groups/{NOBODY}/roles/midaz-viewer-role");
    world
        .put(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    let id = "admin-group";
    let unknown = format!("/v1/groups/{id}/roles/nowhere");
    world
        .put(&world.admin, &unknown)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::PUT, &path, json!({})).await;
}

#[tokio::test]
async fn what_a_manifest_gives_is_given_for_good() {
    let world = World::start().await;
    let path = "/v1/groups/midaz-viewer-group/roles/midaz-viewer-role";
    let terms = json!({"expiresAt": after(Duration::from_hours(1))});
    let refused = world.call(&world.admin, Method::PUT, path, terms).await;
    refused.refuses(ErrorReason::ManifestOwned);
    world.put(&world.admin, path).await.is(204);
}

#[tokio::test]
async fn a_group_shows_the_roles_that_it_holds_now() {
    let world = World::start().await;
    group(&world, &world.admin, "team", &[]).await;
    let path = "/v1/groups/team/roles/midaz-viewer-role";
    let terms = json!({"expiresAt": after(Duration::from_mins(10))});
    world
        .call(&world.admin, Method::PUT, path, terms)
        .await
        .is(204);
    let roles = async || world.get(&world.admin, "/v1/groups/team").await.is(200)["roles"].clone();
    assert_eq!(roles().await, json!(["midaz-viewer-role"]));
    world.pass(Duration::from_mins(11)).await;
    assert_eq!(roles().await, json!([]));
}
