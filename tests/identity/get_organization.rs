//! `GetOrganization`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{NOBODY, World, claims};

#[tokio::test]
async fn a_system_administrator_sees_every_organization() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let id = claims(&owner.token)["tenantId"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/organizations/{id}");
    let answer = world.get(&world.admin, &path).await;
    let expected = json!({
        "id": id, "slug": "bakery", "name": "bakery", "status": "active",
        "createdAt": answer.body["createdAt"], "accentColor": "", "passwordSignIn": true,
    });
    assert_eq!(*answer.is(200), expected);
    let own = world.get(&owner, &path).await;
    own.refuses(ErrorReason::PermissionMissing);
}

#[tokio::test]
async fn an_unknown_organization_is_not_found() {
    let world = World::start().await;
    let path = format!("/v1/organizations/{NOBODY}");
    world
        .get(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::GET, &path, json!({})).await;
}
