//! `DeleteRole`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, role};
use crate::world::World;

#[tokio::test]
async fn a_role_goes_when_nobody_holds_it() {
    let world = World::start().await;
    role(&world, &world.admin, "bakers", "midaz", &["accounts:get"]).await;
    let held = format!("/v1/users/{}/roles/bakers", world.admin.id);
    world.put(&world.admin, &held).await.is(204);
    let in_use = world.delete(&world.admin, "/v1/roles/bakers").await;
    in_use.refuses(ErrorReason::RoleInUse);
    world.delete(&world.admin, &held).await.is(204);
    let before = world.get(&world.admin, "/v1/roles/bakers").await;
    let answer = world.delete(&world.admin, "/v1/roles/bakers").await;
    assert!(answer.is(204).is_null());
    let event = world.audit(&answer, "role.delete").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &json!(null))
    );
    let gone = world.get(&world.admin, "/v1/roles/bakers").await;
    gone.refuses(ErrorReason::NotFound);
}

#[tokio::test]
async fn a_manifests_role_and_an_unknown_one_do_not_go() {
    let world = World::start().await;
    let owned = world
        .delete(&world.admin, "/v1/roles/reporter-viewer-role")
        .await;
    owned.refuses(ErrorReason::ManifestOwned);
    let unknown = world.delete(&world.admin, "/v1/roles/nowhere").await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, "/v1/roles/nowhere", json!({})).await;
}
