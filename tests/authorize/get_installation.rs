//! `GetInstallation`.

use reqwest::Method;
use serde_json::json;

use super::feeding::{SIDECAR, is_for_the_fed};
use crate::world::{PUBLIC_URL, World, fields};

const PATH: &str = "/v1/replica/installation";

#[tokio::test]
async fn a_sidecar_learns_what_tokens_are_checked_by() {
    let world = World::start_with(&[("GATEPOST_ACCESS_TOKEN_SECONDS", "600")]).await;
    let sidecar = world.machine("sidecar", &[SIDECAR]).await;
    let answer = world.get(&sidecar, PATH).await;
    let all = [
        "accessTokenSeconds",
        "issuer",
        "servesSystem",
        "singleTenant",
        "systemOrganizationId",
    ];
    assert_eq!(fields(answer.is(200)), all);
    assert_eq!(answer.body["issuer"], PUBLIC_URL);
    assert_eq!(answer.body["singleTenant"], true);
    assert_eq!(answer.body["servesSystem"], false);
    assert_eq!(answer.body["accessTokenSeconds"], 600);
}

#[tokio::test]
async fn nobody_else_does() {
    let world = World::start().await;
    is_for_the_fed(&world, Method::GET, PATH, json!({})).await;
}
