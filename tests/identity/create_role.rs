//! `CreateRole`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, permissions, role};
use crate::world::{NOBODY, World};

const PATH: &str = "/v1/roles";

#[tokio::test]
async fn an_organization_makes_roles_of_its_own() {
    let world = World::start().await;
    let body = json!({
        "name": "auditors", "product": "midaz", "description": "They look.",
        "permissions": permissions(&["accounts:get", "!accounts:delete"]),
    });
    let answer = world.post(&world.admin, PATH, body.clone()).await;
    let made = answer.is(201);
    let expected = json!({
        "id": made["id"], "name": "auditors", "product": "midaz", "description": "They look.",
        "permissions": body["permissions"], "builtIn": false, "createdAt": made["createdAt"],
    });
    assert_eq!(*made, expected);
    let event = world.audit(&answer, "role.create").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("role"), &made["id"])
    );
    assert_eq!((&event["before"], &event["after"]), (&json!(null), made));
}

#[tokio::test]
async fn a_deny_beats_every_allow() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-editor-group"]).await;
    role(
        &world,
        &world.admin,
        "no-deletes",
        "midaz",
        &["!accounts:delete", "!*:post"],
    )
    .await;
    assert!(world.may(&alice, "midaz", "accounts", "delete").await);
    let path = format!("/v1/users/{}/roles/no-deletes", alice.id);
    world.put(&world.admin, &path).await.is(204);
    for denied in ["delete", "post"] {
        let answer = world.authorize(&alice, "midaz", "accounts", denied).await;
        assert_eq!(answer.is(200)["authorized"], false);
        assert_eq!(answer.body["reason"], "denied");
    }
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    world.delete(&world.admin, &path).await.is(204);
    assert!(world.may(&alice, "midaz", "accounts", "delete").await);
}

#[tokio::test]
async fn a_wildcard_stands_for_everything_of_its_product() {
    let world = World::start().await;
    role(&world, &world.admin, "all-of-crm", "plugin-crm", &["*:*"]).await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/all-of-crm", alice.id);
    world.put(&world.admin, &path).await.is(204);
    assert!(world.may(&alice, "plugin-crm", "holders", "delete").await);
    assert!(!world.may(&alice, "midaz", "holders", "get").await);
}

#[tokio::test]
async fn names_products_and_permissions_must_be_such() {
    let world = World::start().await;
    let body = |name: &str, product: &str, permission: &str| {
        let permissions = permissions(&[permission]);
        json!({"name": name, "product": product, "permissions": permissions})
    };
    let taken = body("MIDAZ-editor-role", "midaz", "accounts:get");
    let taken = world.post(&world.admin, PATH, taken).await;
    taken.refuses(ErrorReason::NameTaken);
    for bad in [
        body("x", "nowhere", "accounts:get"),
        body("x", "midaz", "a/b:get"),
        body("x", "midaz", "accounts:g*t"),
        body(NOBODY, "midaz", "accounts:get"),
        body("", "midaz", "accounts:get"),
    ] {
        let answer = world.post(&world.admin, PATH, bad).await;
        answer.refuses(ErrorReason::InvalidRequest);
    }
    let good = body("x", "midaz", "accounts:get");
    is_guarded(&world, Method::POST, PATH, good).await;
}
