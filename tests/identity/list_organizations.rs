//! `ListOrganizations`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::World;

#[tokio::test]
async fn organizations_are_listed_oldest_first() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    world.organization("butchery").await;
    let answer = world.get(&world.admin, "/v1/organizations").await;
    let items = answer.is(200)["items"].as_array().unwrap();
    let slugs: Vec<&str> = items
        .iter()
        .map(|one| one["slug"].as_str().unwrap())
        .collect();
    assert_eq!(slugs, ["system", "bakery", "butchery"]);
    assert_eq!(answer.body["total"], 3);
    let own = world.get(&owner, "/v1/organizations").await;
    own.refuses(ErrorReason::PermissionMissing);
}

#[tokio::test]
async fn the_administrator_of_the_only_organization_rules_the_installation_too() {
    let world = World::start().await;
    let answer = world.get(&world.admin, "/v1/organizations").await;
    assert_eq!(answer.is(200)["total"], 2);
    let other_admin = world.person("bob", &["admin-group"]).await;
    let refused = world.get(&other_admin, "/v1/organizations").await;
    refused.refuses(ErrorReason::PermissionMissing);
    is_guarded(&world, Method::GET, "/v1/organizations", json!({})).await;
}
