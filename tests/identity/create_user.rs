//! `CreateUser`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, new_user};
use crate::world::World;

const PATH: &str = "/v1/users";

#[tokio::test]
async fn an_administrator_creates_a_user_who_can_sign_in() {
    let world = World::start().await;
    let body = new_user("Alice", &["midaz-viewer-group", "admin-group"]);
    let answer = world.post(&world.admin, PATH, body).await;
    let user = answer.is(201);
    let expected = json!({
        "id": user["id"], "username": "Alice", "email": "Alice@example.com",
        "firstName": "Test", "lastName": "Alice",
        "groups": ["admin-group", "midaz-viewer-group"],
        "emailVerified": false, "status": "active", "createdAt": user["createdAt"],
    });
    assert_eq!(*user, expected);
    let id: uuid::Uuid = user["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    let event = world.audit(&answer, "user.create").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("user"), &user["id"])
    );
    assert_eq!((&event["before"], &event["after"]), (&json!(null), user));
    let alice = world.sign_in("alice").await;
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
}

#[tokio::test]
async fn names_and_addresses_are_unique_whatever_their_case() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let name = world.post(&world.admin, PATH, new_user("ALICE", &[])).await;
    name.refuses(ErrorReason::NameTaken);
    let mut body = new_user("bob", &[]);
    body["email"] = json!("Alice@Example.com");
    let address = world.post(&world.admin, PATH, body).await;
    address.refuses(ErrorReason::NameTaken);
}

#[tokio::test]
async fn what_is_not_acceptable_is_refused_and_leaves_nothing() {
    let world = World::start().await;
    let refused = |field: &'static str, value, reason: ErrorReason| {
        let mut body = new_user("alice", &[]);
        body[field] = value;
        let world = &world;
        async move {
            let answer = world.post(&world.admin, PATH, body).await;
            assert_eq!(answer.reason(), reason.name(), "{field}: {}", answer.body);
            answer.refuses(reason);
            answer
        }
    };
    let invalid = ErrorReason::InvalidRequest;
    let missing = refused("username", json!(""), invalid).await;
    assert_eq!(missing.body["code"], "IDE-0001");
    assert_eq!(missing.body["field"], "username");
    refused("email", json!("nowhere"), invalid).await;
    refused("username", json!(" alice"), invalid).await;
    refused("tenantId", json!("x"), invalid).await;
    refused("firstName", json!(7), invalid).await;
    refused("password", json!("short"), ErrorReason::PasswordRefused).await;
    refused(
        "password",
        json!("password123"),
        ErrorReason::PasswordRefused,
    )
    .await;
    refused("groups", json!(["no-such-group"]), ErrorReason::NotFound).await;
    let users = world.get(&world.admin, PATH).await;
    assert_eq!(users.is(200)["total"], 1);
}

#[tokio::test]
async fn only_the_permitted_create_users() {
    let world = World::start().await;
    is_guarded(&world, Method::POST, PATH, new_user("alice", &[])).await;
}
