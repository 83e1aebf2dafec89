//! `ListMfaPolicies`.

use reqwest::Method;
use serde_json::json;

use super::{group, is_guarded};
use crate::world::World;

#[tokio::test]
async fn the_organization_comes_first_and_then_its_groups() {
    let world = World::start().await;
    let path = "/v1/mfa/policies";
    is_guarded(&world, Method::GET, path, json!({})).await;
    let all = json!(["passkey", "app", "email", "sms"]);
    let own = json!({"group": "", "mode": "optional", "methods": all});
    let list = world.get(&world.admin, path).await;
    assert_eq!(list.is(200)["items"], json!([own]));
    let id = group(&world, &world.admin, "tellers", &[]).await;
    let policy = json!({"group": id, "mode": "required"});
    world
        .call(&world.admin, Method::PUT, path, policy)
        .await
        .is(200);
    let list = world.get(&world.admin, path).await;
    let tellers = json!({"group": "tellers", "mode": "required", "methods": all});
    assert_eq!(list.is(200)["items"], json!([own, tellers]));
    // A group takes its policy along.
    world
        .delete(&world.admin, "/v1/groups/tellers")
        .await
        .is(204);
    let list = world.get(&world.admin, path).await;
    assert_eq!(list.is(200)["items"], json!([own]));
}
