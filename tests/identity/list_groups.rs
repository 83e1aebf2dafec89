//! `ListGroups`.

use reqwest::Method;
use serde_json::json;

use super::{group, is_guarded};
use crate::world::World;

#[tokio::test]
async fn every_organization_has_the_groups_of_the_manifests() {
    let world = World::start().await;
    group(&world, &world.admin, "Bakers", &["admin-group"]).await;
    let answer = world.get(&world.admin, "/v1/groups?limit=100").await;
    let body = answer.is(200);
    let mut names: Vec<&str> = body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap())
        .collect();
    let mut expected = vec!["admin-group", "Bakers", "gatepost-editor-group"];
    for product in ["midaz", "plugin-crm", "plugin-fees", "reporter", "routing"] {
        for role in ["contributor", "editor", "viewer"] {
            expected.push(format!("{product}-{role}-group").leak());
        }
    }
    assert_eq!(names.last(), Some(&"Bakers"), "the oldest come first");
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(body["total"], expected.len());
    let group_of = |name: &str| {
        let mut groups = body["items"].as_array().unwrap().iter();
        groups.find(|group| group["name"] == *name).unwrap()
    };
    let admins = group_of("admin-group");
    assert_eq!(admins["users"], json!(["admin"]));
    let roles = [
        "gatepost-editor-role",
        "midaz-editor-role",
        "plugin-crm-editor-role",
        "plugin-fees-editor-role",
        "reporter-editor-role",
        "routing-editor-role",
    ];
    assert_eq!(admins["roles"], json!(roles));
    assert_eq!(group_of("Bakers")["groups"], json!(["admin-group"]));
}

#[tokio::test]
async fn only_the_permitted_list_groups() {
    let world = World::start().await;
    is_guarded(&world, Method::GET, "/v1/groups", json!({})).await;
}
