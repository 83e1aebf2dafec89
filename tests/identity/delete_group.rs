//! `DeleteGroup`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{group, is_guarded};
use crate::world::World;

#[tokio::test]
async fn an_empty_group_goes_and_a_full_one_stays() {
    let world = World::start().await;
    let id = group(&world, &world.admin, "team", &[]).await;
    let alice = world.person("alice", &["team"]).await;
    let full = world.delete(&world.admin, "/v1/groups/team").await;
    full.refuses(ErrorReason::GroupNotEmpty);
    assert_eq!(full.body["code"], "IDE-1058");
    let member = format!("/v1/groups/team/members/{}", alice.id);
    world.delete(&world.admin, &member).await.is(204);
    let before = world.get(&world.admin, "/v1/groups/team").await;
    let answer = world
        .delete(&world.admin, &format!("/v1/groups/{id}"))
        .await;
    assert!(answer.is(204).is_null());
    let event = world.audit(&answer, "group.delete").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &json!(null))
    );
    world
        .get(&world.admin, "/v1/groups/team")
        .await
        .refuses(ErrorReason::NotFound);
}

#[tokio::test]
async fn a_manifests_group_and_an_unknown_one_do_not_go() {
    let world = World::start().await;
    let owned = world
        .delete(&world.admin, "/v1/groups/midaz-viewer-group")
        .await;
    owned.refuses(ErrorReason::ManifestOwned);
    let unknown = world.delete(&world.admin, "/v1/groups/nowhere").await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, "/v1/groups/nowhere", json!({})).await;
}
