//! `UpdateApplication`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::{NOBODY, World, header};

#[tokio::test]
async fn only_what_the_body_names_changes() {
    let world = World::start().await;
    let midaz = world.machine("midaz", &[]).await;
    let path = format!("/v1/applications/{}", midaz.id);
    let before = world.get(&world.admin, &path).await;
    let body = json!({"name": "ledger", "description": "It counts."});
    let answer = world.patch(&world.admin, &path, body).await;
    let mut expected = before.body.clone();
    expected["name"] = json!("ledger");
    expected["description"] = json!("It counts.");
    assert_eq!(*answer.is(200), expected);
    let event = world.audit(&answer, "application.update").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &expected)
    );
    assert!(world.may(&midaz, "midaz", "accounts", "post").await);
    let answer = world
        .patch(&world.admin, &path, json!({"roles": ["midaz-viewer-role"]}))
        .await;
    assert_eq!(answer.is(200)["roles"], json!(["midaz-viewer-role"]));
    assert!(!world.may(&midaz, "midaz", "accounts", "post").await);
    assert!(world.may(&midaz, "midaz", "accounts", "get").await);
    let answer = world.patch(&world.admin, &path, json!({"roles": []})).await;
    assert_eq!(answer.is(200)["roles"], json!([]));
    assert!(!world.may(&midaz, "midaz", "accounts", "get").await);
}

#[tokio::test]
async fn the_next_token_is_signed_as_the_application_says() {
    let world = World::start().await;
    let made = application(&world, &world.admin, json!({"name": "worker"})).await;
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    let client = world.anonymous().await;
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let path = format!("/v1/applications/{}", text("id"));
        let body = json!({"tokenAlgorithm": algorithm});
        let answer = world.patch(&world.admin, &path, body).await;
        assert_eq!(answer.is(200)["tokenAlgorithm"], *algorithm);
        let token = client
            .client_token(&text("clientId"), &text("clientSecret"))
            .await
            .unwrap();
        assert_eq!(header(token.access_token())["alg"], *algorithm);
    }
}

#[tokio::test]
async fn names_stay_unique() {
    let world = World::start().await;
    let one = application(&world, &world.admin, json!({"name": "one"})).await;
    application(&world, &world.admin, json!({"name": "two"})).await;
    let path = format!("/v1/applications/{}", one["id"].as_str().unwrap());
    let taken = world
        .patch(&world.admin, &path, json!({"name": "Two"}))
        .await;
    taken.refuses(ErrorReason::NameTaken);
    for bad in [
        json!({"name": ""}),
        json!({"clientId": "x"}),
        json!({"tokenAlgorithm": "HS256"}),
    ] {
        let answer = world.patch(&world.admin, &path, bad).await;
        answer.refuses(ErrorReason::InvalidRequest);
    }
    let path = format!("/v1/applications/{NOBODY}");
    let unknown = world.patch(&world.admin, &path, json!({"name": "x"})).await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::PATCH, &path, json!({"name": "x"})).await;
}

#[tokio::test]
async fn a_suspended_application_is_out_until_it_is_active_again() {
    let world = World::start().await;
    let midaz = world.machine("midaz", &[]).await;
    let path = format!("/v1/applications/{}", midaz.id);
    let answer = world
        .patch(&world.admin, &path, json!({"status": "suspended"}))
        .await;
    assert_eq!(answer.is(200)["status"], "suspended");
    let refused = world.get(&midaz, "/v1/userinfo").await;
    refused.refuses(ErrorReason::ApplicationSuspended);
    world
        .patch(&world.admin, &path, json!({"status": "active"}))
        .await
        .is(200);
    world.get(&midaz, "/v1/userinfo").await.is(200);
}
