//! `CreateCredential`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded, role};
use crate::world::{NOBODY, World, fields};

#[tokio::test]
async fn another_secret_buys_tokens_beside_the_first() {
    let world = World::start().await;
    let made = application(&world, &world.admin, json!({"name": "midaz"})).await;
    let path = format!(
        "/v1/applications/{}/credentials",
        made["id"].as_str().unwrap()
    );
    let answer = world.post(&world.admin, &path, json!({})).await;
    assert_eq!(fields(answer.is(201)), ["clientSecret", "createdAt", "id"]);
    let secret = answer.body["clientSecret"].as_str().unwrap();
    assert!(secret.starts_with("gps_"));
    let client = world.anonymous().await;
    let client_id = made["clientId"].as_str().unwrap();
    for secret in [secret, made["clientSecret"].as_str().unwrap()] {
        client.client_token(client_id, secret).await.unwrap();
    }
    let event = world.audit(&answer, "application.create_credential").await;
    assert_eq!(event["targetId"], made["id"]);
    assert_eq!(event["after"]["id"], answer.body["id"]);
    let list = world.get(&world.admin, &path).await;
    assert_eq!(list.is(200)["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn there_are_ten_at_the_most() {
    let world = World::start().await;
    let made = application(&world, &world.admin, json!({"name": "midaz"})).await;
    let path = format!(
        "/v1/applications/{}/credentials",
        made["id"].as_str().unwrap()
    );
    for _ in 1..10 {
        world.post(&world.admin, &path, json!({})).await.is(201);
    }
    let one_more = world.post(&world.admin, &path, json!({})).await;
    one_more.refuses(ErrorReason::LimitReached);
    let list = world.get(&world.admin, &path).await;
    assert_eq!(list.is(200)["items"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn nobody_gets_a_secret_of_what_may_do_more_than_she() {
    let world = World::start().await;
    role(
        &world,
        &world.admin,
        "clerk-role",
        "gatepost",
        &["applications:get", "applications:patch"],
    )
    .await;
    let clerk = world.person("clerk", &[]).await;
    let given = format!("/v1/users/{}/roles/clerk-role", clerk.id);
    world.put(&world.admin, &given).await.is(204);
    let strong = json!({"name": "strong", "roles": ["gatepost-editor-role"]});
    let strong = application(&world, &world.admin, strong).await;
    let weak = application(&world, &world.admin, json!({"name": "weak"})).await;
    let path = |made: &serde_json::Value| {
        format!(
            "/v1/applications/{}/credentials",
            made["id"].as_str().unwrap()
        )
    };
    let refused = world.post(&clerk, &path(&strong), json!({})).await;
    refused.refuses(ErrorReason::EscalationRefused);
    world.post(&clerk, &path(&weak), json!({})).await.is(201);
    // Nor does she wake up what was put to sleep.
    let suspended = format!("/v1/applications/{}", strong["id"].as_str().unwrap());
    for status in ["suspended", "active"] {
        let body = json!({"status": status});
        world
            .patch(&world.admin, &suspended, body.clone())
            .await
            .is(200);
        let other = if status == "active" {
            "suspended"
        } else {
            "active"
        };
        let refused = world
            .patch(&clerk, &suspended, json!({"status": other}))
            .await;
        refused.refuses(ErrorReason::EscalationRefused);
    }
    let unknown = format!("/v1/applications/{NOBODY}/credentials");
    let refused = world.post(&world.admin, &unknown, json!({})).await;
    refused.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::POST, &unknown, json!({})).await;
}
