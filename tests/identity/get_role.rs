//! `GetRole`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, permissions};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_role_is_found_by_name_and_by_id_be_it_a_manifests_or_ones_own() {
    let world = World::start().await;
    let by_name = world
        .get(&world.admin, "/v1/roles/plugin-crm-viewer-role")
        .await;
    let role = by_name.is(200);
    let expected = json!({
        "id": role["id"], "name": "plugin-crm-viewer-role", "product": "plugin-crm",
        "description": "", "permissions": permissions(&["aliases:get", "holders:get"]),
        "builtIn": true, "createdAt": role["createdAt"],
    });
    assert_eq!(*role, expected);
    let path = format!("/v1/roles/{}", role["id"].as_str().unwrap());
    assert_eq!(world.get(&world.admin, &path).await.is(200), role);
    let own = super::role(&world, &world.admin, "own", "midaz", &[]).await;
    let own_by_id = world.get(&world.admin, &format!("/v1/roles/{own}")).await;
    assert_eq!(own_by_id.is(200)["name"], "own");
}

#[tokio::test]
async fn an_unknown_role_is_not_found() {
    let world = World::start().await;
    for unknown in ["/v1/roles/nowhere", &format!("/v1/roles/{NOBODY}")] {
        world
            .get(&world.admin, unknown)
            .await
            .refuses(ErrorReason::NotFound);
    }
    is_guarded(
        &world,
        Method::GET,
        "/v1/roles/midaz-viewer-role",
        json!({}),
    )
    .await;
}
