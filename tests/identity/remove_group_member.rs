//! `RemoveGroupMember`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{NOBODY, World};

#[tokio::test]
async fn who_is_no_member_any_more_may_not_any_more() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    let path = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    let answer = world.delete(&world.admin, &path).await;
    assert!(answer.is(204).is_null());
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    let event = world.audit(&answer, "group.remove_member").await;
    assert!(
        event["before"].to_string().contains(&alice.id),
        "the log names the member: {event}"
    );
    let again = world.delete(&world.admin, &path).await;
    again.is(204);
    assert_eq!(again.revision(), answer.revision(), "nothing changed");
}

#[tokio::test]
async fn group_and_user_must_be_there() {
    let world = World::start().await;
    let unknown = format!("/v1/groups/nowhere/members/{}", world.admin.id);
    world
        .delete(&world.admin, &unknown)
        .await
        .refuses(ErrorReason::NotFound);
    let path = format!("/v1/groups/midaz-viewer-group/members/{NOBODY}");
    world
        .delete(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, &path, json!({})).await;
}
