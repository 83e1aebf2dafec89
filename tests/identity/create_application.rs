//! `CreateApplication`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::World;

const PATH: &str = "/v1/applications";

#[tokio::test]
async fn the_secret_is_shown_once_and_works() {
    let world = World::start().await;
    let body = json!({
        "name": "worker", "description": "It works.", "roles": ["midaz-viewer-role"],
        "tokenAlgorithm": "EdDSA",
    });
    let answer = world.post(&world.admin, PATH, body).await;
    let made = answer.is(201);
    let secret = made["clientSecret"].as_str().unwrap();
    let expected = json!({
        "id": made["id"], "name": "worker", "description": "It works.",
        "clientId": made["clientId"], "clientSecret": secret, "roles": ["midaz-viewer-role"],
        "tokenAlgorithm": "EdDSA", "status": "active", "createdAt": made["createdAt"],
    });
    assert_eq!(*made, expected);
    assert!(secret.starts_with("gps_") && secret.len() > 26, "{secret}");
    let event = world.audit(&answer, "application.create").await;
    assert_eq!(event["targetId"], made["id"]);
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("clientSecret");
    assert_eq!((&event["before"], &event["after"]), (&json!(null), &shown));
    let client = world.anonymous().await;
    let token = client
        .client_token(made["clientId"].as_str().unwrap(), secret)
        .await
        .unwrap();
    let client = client.with_token(token.access_token()).unwrap();
    assert!(
        client
            .may("midaz", "accounts", "get")
            .await
            .unwrap()
            .authorized
    );
    assert!(
        !client
            .may("midaz", "accounts", "post")
            .await
            .unwrap()
            .authorized
    );
}

#[tokio::test]
async fn an_application_with_a_products_name_gets_its_machine_roles() {
    let world = World::start().await;
    let cases = [
        (
            json!({"name": "midaz"}),
            json!(["midaz-editor-role", "routing-editor-role"]),
        ),
        (json!({"name": "reporter"}), json!(["reporter-editor-role"])),
        (
            json!({"name": "plugin-smart-templates"}),
            json!(["reporter-editor-role"]),
        ),
        (json!({"name": "gatepost"}), json!([])),
        (json!({"name": "something else"}), json!([])),
        (
            json!({"name": "plugin-crm", "roles": ["midaz-viewer-role"]}),
            json!(["midaz-viewer-role"]),
        ),
    ];
    for (body, roles) in cases {
        let made = application(&world, &world.admin, body).await;
        assert_eq!(made["roles"], roles, "{made}");
        assert_eq!(made["tokenAlgorithm"], "RS256");
    }
}

#[tokio::test]
async fn names_are_unique_and_roles_exist() {
    let world = World::start().await;
    application(&world, &world.admin, json!({"name": "worker"})).await;
    let taken = world
        .post(&world.admin, PATH, json!({"name": "WORKER"}))
        .await;
    taken.refuses(ErrorReason::NameTaken);
    let body = json!({"name": "other", "roles": ["nowhere"]});
    let unknown = world.post(&world.admin, PATH, body).await;
    unknown.refuses(ErrorReason::NotFound);
    let body = json!({"name": "other", "tokenAlgorithm": "none"});
    let algorithm = world.post(&world.admin, PATH, body).await;
    algorithm.refuses(ErrorReason::InvalidRequest);
    is_guarded(&world, Method::POST, PATH, json!({"name": "other"})).await;
}
