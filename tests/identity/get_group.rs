//! `GetGroup`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_group_is_found_by_id_and_by_name() {
    let world = World::start().await;
    world.person("alice", &["midaz-viewer-group"]).await;
    let by_name = world
        .get(&world.admin, "/v1/groups/MIDAZ-viewer-group")
        .await;
    let group = by_name.is(200);
    let expected = json!({
        "id": group["id"], "name": "midaz-viewer-group", "createdAt": group["createdAt"],
        "users": ["alice"], "groups": [], "roles": ["midaz-viewer-role"], "builtIn": true,
    });
    assert_eq!(*group, expected);
    let path = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    assert_eq!(world.get(&world.admin, &path).await.is(200), group);
}

#[tokio::test]
async fn an_unknown_group_is_not_found() {
    let world = World::start().await;
    for unknown in ["/v1/groups/nowhere", &format!("/v1/groups/{NOBODY}")] {
        world
            .get(&world.admin, unknown)
            .await
            .refuses(ErrorReason::NotFound);
    }
    is_guarded(&world, Method::GET, "/v1/groups/admin-group", json!({})).await;
}
