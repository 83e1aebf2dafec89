//! `ListRoles`.

use reqwest::Method;
use serde_json::json;

use super::{is_guarded, role};
use crate::world::World;

#[tokio::test]
async fn the_list_has_the_manifests_roles_and_ones_own() {
    let world = World::start().await;
    role(&world, &world.admin, "bakers", "midaz", &["accounts:get"]).await;
    let answer = world.get(&world.admin, "/v1/roles?limit=100").await;
    let items = answer.is(200)["items"].as_array().unwrap();
    assert_eq!(answer.body["total"], items.len());
    let find = |name: &str| items.iter().find(|role| role["name"] == *name);
    assert_eq!(find("bakers").unwrap()["builtIn"], false);
    assert_eq!(find("midaz-editor-role").unwrap()["builtIn"], true);
    assert_eq!(
        find("gatepost-everyone-role").unwrap()["product"],
        "gatepost"
    );
    let one = world.get(&world.admin, "/v1/roles/bakers").await;
    assert_eq!(find("bakers").unwrap(), one.is(200));
    is_guarded(&world, Method::GET, "/v1/roles", json!({})).await;
}
