//! `SearchSubjects`.

use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::SearchSubjectsRequest;
use reqwest::Method;
use serde_json::{Value, json};

use super::searching::pages;
use crate::identity::is_guarded;
use crate::world::{Actor, World};

const PATH: &str = "/v1/authorize:search-subjects";

fn question(kind: &str, limit: u32) -> Value {
    json!({
        "product": "midaz", "resource": "accounts", "action": "get", "type": kind, "limit": limit,
    })
}

/// Everybody who is found, by pages of this size.
async fn all(world: &World, admin: &Actor, kind: &str, limit: u32) -> Vec<Value> {
    pages(world, admin, PATH, "subjects", &question(kind, limit)).await
}

#[tokio::test]
async fn everybody_who_may_is_found_once_and_nobody_else() {
    let world = World::start().await;
    for number in 0..5 {
        let groups = if number % 2 == 0 {
            &["midaz-viewer-group"][..]
        } else {
            &[]
        };
        world.person(&format!("user-{number}"), groups).await;
    }
    let machine = world.machine("worker", &["midaz-viewer-role"]).await;
    world.machine("idler", &["reporter-viewer-role"]).await;
    for limit in [1, 2, 100] {
        let users = all(&world, &world.admin, "", limit).await;
        let ids: Vec<&str> = users
            .iter()
            .map(|user| user["id"].as_str().unwrap())
            .collect();
        assert!(ids.is_sorted());
        let mut names: Vec<&str> = users
            .iter()
            .map(|user| user["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["admin", "user-0", "user-2", "user-4"]);
        for user in users {
            let body = json!({
                "sub": user["sub"], "product": "midaz", "resource": "accounts", "action": "get",
            });
            let answer = world.post(&world.admin, "/v1/authorize", body).await;
            assert_eq!(answer.is(200)["authorized"], true);
        }
    }
    let machines = all(&world, &world.admin, "application", 1).await;
    let expected = json!([{
        "type": "application", "id": machine.id, "name": "worker",
        "sub": format!("default/{}", machine.id),
    }]);
    assert_eq!(json!(machines), expected);
    let request = SearchSubjectsRequest {
        product: "midaz".into(),
        resource: "accounts".into(),
        action: "get".into(),
        ..SearchSubjectsRequest::default()
    };
    let answer = world
        .admin
        .client
        .authorize()
        .search_subjects(request)
        .await
        .unwrap();
    assert_eq!(answer.into_inner().subjects.len(), 4);
}

#[tokio::test]
async fn only_the_own_organization_is_searched() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let other = world.organization("butchery").await;
    world
        .person_of(&other, "bob", &["midaz-viewer-group"])
        .await;
    let found = all(&world, &owner, "user", 100).await;
    let names: Vec<&Value> = found.iter().map(|user| &user["name"]).collect();
    assert_eq!(names, ["admin-of-bakery"]);
}

#[tokio::test]
async fn it_needs_the_permission_to_ask_about_others() {
    let world = World::start().await;
    is_guarded(&world, Method::POST, PATH, question("user", 1)).await;
    let mut garbage = question("user", 1);
    garbage["cursor"] = json!("garbage");
    let refused = world.post(&world.admin, PATH, garbage).await;
    refused.refuses(ErrorReason::InvalidRequest);
    let stranger = question("dog", 1);
    let refused = world.post(&world.admin, PATH, stranger).await;
    refused.refuses(ErrorReason::InvalidRequest);
}
