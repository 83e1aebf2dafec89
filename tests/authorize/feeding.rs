//! What the tests of those who are fed have in common.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Actor, World, claims};

/// The role of a sidecar's application in its own organization.
pub const SIDECAR: &str = "gatepost-sidecar-role";

/// The organization of somebody.
pub fn organization(actor: &Actor) -> String {
    claims(&actor.token)["tenantId"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The lines of an answer that goes on, each a message.
pub async fn lines(world: &World, actor: &Actor, path: &str, body: Value) -> Vec<Value> {
    let request = world.request(Method::POST, path).json(&body);
    let response = request.bearer_auth(&actor.token).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The facts of an organization, as `actor` is told of them.
pub async fn facts(world: &World, actor: &Actor, organization: &str) -> Vec<Value> {
    let body = json!({"organizationId": organization, "products": ["midaz"]});
    let parts = lines(world, actor, "/v1/replica:facts", body).await;
    assert_eq!(parts.last().unwrap()["last"], true);
    let texts = parts.iter().filter_map(|part| part["facts"].as_array());
    let texts = texts.flatten().map(|text| text.as_str().unwrap());
    texts
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

/// Checks that nobody, no person and no application without the permission is fed.
pub async fn is_for_the_fed(world: &World, method: Method, path: &str, body: Value) {
    let nobody = world
        .send(world.request(method.clone(), path).json(&body))
        .await;
    nobody.refuses(ErrorReason::TokenMissing);
    // The administrator holds the permission, and is no application.
    let person = world
        .call(&world.admin, method.clone(), path, body.clone())
        .await;
    person.refuses(ErrorReason::PermissionMissing);
    let plain = world.machine("plain", &["midaz-editor-role"]).await;
    let machine = world.call(&plain, method, path, body).await;
    machine.refuses(ErrorReason::PermissionMissing);
}
