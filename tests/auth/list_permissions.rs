//! `ListPermissions`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, fields};

#[tokio::test]
async fn the_map_is_the_union_over_products() {
    let world = World::start().await;
    let plain = world.person("plain", &[]).await;
    let everyone = world.get(&plain, "/v1/permissions").await;
    let own = json!({"update-password": ["patch"], "mfa": ["get", "post"]});
    assert_eq!(*everyone.is(200), own);

    let both = ["midaz-viewer-group", "plugin-crm-contributor-group"];
    let alice = world.person("alice", &both).await;
    let answer = world.get(&alice, "/v1/permissions").await;
    let map = answer.is(200);
    assert_eq!(map["accounts"], json!(["get", "head"]));
    assert_eq!(map["aliases"], json!(["get", "patch", "post"]));
    // Midaz's get and head, and CRM's get, patch and post.
    assert_eq!(map["holders"], json!(["get", "head", "patch", "post"]));
    assert!(answer.revision() > 0);
}

#[tokio::test]
async fn a_machine_has_its_own() {
    let world = World::start().await;
    let machine = world.machine("routing", &[]).await;
    let answer = world.get(&machine, "/v1/permissions").await;
    let map = answer.is(200);
    assert_eq!(
        fields(map),
        ["account-types", "operation-routes", "transaction-routes"]
    );
    assert_eq!(
        map["account-types"],
        json!(["delete", "get", "patch", "post"])
    );
    let nobody = world
        .send(world.request(Method::GET, "/v1/permissions"))
        .await;
    nobody.refuses(ErrorReason::TokenMissing);
}
