//! `ListSigningKeys`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::is_guarded;
use crate::world::{World, fields, header};

const PATH: &str = "/v1/signing-keys";

#[tokio::test]
async fn one_key_of_each_algorithm_signs_and_nothing_private_is_shown() {
    let world = World::start().await;
    let answer = world.get(&world.admin, PATH).await;
    let items = answer.is(200)["items"].as_array().unwrap();
    let algorithms: Vec<&Value> = items.iter().map(|key| &key["algorithm"]).collect();
    assert_eq!(algorithms, ["RS256", "ES256", "EdDSA"]);
    for key in items {
        let all = ["algorithm", "createdAt", "kid", "signsFrom", "stage"];
        assert_eq!(fields(key), all);
        assert_eq!(key["stage"], "signing");
        assert_eq!(key["signsFrom"], key["createdAt"]);
    }
    assert_eq!(items[0]["kid"], header(&world.admin.token)["kid"]);
}

#[tokio::test]
async fn only_who_rules_the_installation_sees_them() {
    let world = World::start_multi_tenant().await;
    world.get(&world.admin, PATH).await.is(200);
    let tenant = world.organization("bakery").await;
    let refused = world.get(&tenant, PATH).await;
    refused.refuses(ErrorReason::PermissionMissing);
    is_guarded(&world, Method::GET, PATH, json!({})).await;
}
