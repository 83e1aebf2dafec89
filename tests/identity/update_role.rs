//! `UpdateRole`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, permissions, role};
use crate::world::World;

#[tokio::test]
async fn what_a_role_allows_changes_for_all_who_hold_it() {
    let world = World::start().await;
    let id = role(&world, &world.admin, "bakers", "midaz", &["accounts:get"]).await;
    let alice = world.person("alice", &[]).await;
    world
        .put(
            &world.admin,
            &format!("/v1/users/{}/roles/bakers", alice.id),
        )
        .await
        .is(204);
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    let before = world.get(&world.admin, "/v1/roles/bakers").await;
    let body = json!({"permissions": permissions(&["ledgers:get"])});
    let answer = world
        .patch(&world.admin, &format!("/v1/roles/{id}"), body.clone())
        .await;
    let mut expected = before.body.clone();
    expected["permissions"] = body["permissions"].clone();
    assert_eq!(*answer.is(200), expected);
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    assert!(world.may(&alice, "midaz", "ledgers", "get").await);
    let event = world.audit(&answer, "role.update").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &expected)
    );
}

#[tokio::test]
async fn only_what_the_body_names_changes() {
    let world = World::start().await;
    role(&world, &world.admin, "bakers", "midaz", &["accounts:get"]).await;
    let body = json!({"name": "cooks", "description": "They cook."});
    let answer = world.patch(&world.admin, "/v1/roles/bakers", body).await;
    let role = answer.is(200);
    assert_eq!(
        (&role["name"], &role["description"]),
        (&json!("cooks"), &json!("They cook."))
    );
    assert_eq!(role["permissions"], permissions(&["accounts:get"]));
    let cleared = json!({"description": "", "permissions": []});
    let answer = world.patch(&world.admin, "/v1/roles/cooks", cleared).await;
    let role = answer.is(200);
    assert_eq!(
        (&role["description"], &role["permissions"]),
        (&json!(""), &json!([]))
    );
}

#[tokio::test]
async fn a_manifests_role_stays_as_it_is() {
    let world = World::start().await;
    let body = json!({"description": "Mine."});
    let owned = world
        .patch(&world.admin, "/v1/roles/midaz-viewer-role", body.clone())
        .await;
    owned.refuses(ErrorReason::ManifestOwned);
    let unknown = world
        .patch(&world.admin, "/v1/roles/nowhere", body.clone())
        .await;
    unknown.refuses(ErrorReason::NotFound);
    role(&world, &world.admin, "bakers", "midaz", &[]).await;
    let taken = json!({"name": "midaz-viewer-role"});
    let taken = world.patch(&world.admin, "/v1/roles/bakers", taken).await;
    taken.refuses(ErrorReason::NameTaken);
    is_guarded(&world, Method::PATCH, "/v1/roles/bakers", body).await;
}
