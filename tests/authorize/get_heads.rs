//! `GetHeads`.

use reqwest::Method;
use serde_json::{Value, json};

use super::feeding::{SIDECAR, is_for_the_fed, organization};
use crate::world::{Actor, NOBODY, World};

const PATH: &str = "/v1/replica:heads";

async fn heads(world: &World, actor: &Actor, ids: &[&str], age_max_us: u64) -> Value {
    let body = json!({"organizationIds": ids, "ageMaxUs": age_max_us.to_string()});
    let answer = world.post(actor, PATH, body).await;
    answer.is(200).clone()
}

fn revision(heads: &Value, id: &str) -> u64 {
    let all = heads["heads"].as_array().unwrap();
    let own = all.iter().find(|head| head["organizationId"] == *id);
    own.unwrap()["revision"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_write_is_seen_and_the_newest_is_of_no_age() {
    let world = World::start().await;
    let sidecar = world.machine("sidecar", &[SIDECAR]).await;
    let own = organization(&sidecar);
    let before = revision(&heads(&world, &sidecar, &[&own], 60_000_000).await, &own);
    world.person("alice", &[]).await;
    let newest = heads(&world, &sidecar, &[&own], 0).await;
    // A user, and her session.
    assert!(revision(&newest, &own) >= before + 2);
    assert_eq!(newest["ageUs"], "0");
    assert!(newest["time"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_foreign_organization_is_as_one_that_is_not_there() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let sidecar = world.machine_of(&acme, "sidecar", &[SIDECAR]).await;
    let (own, foreign) = (organization(&acme), organization(&globex));
    let system = organization(&world.admin);
    let found = heads(
        &world,
        &sidecar,
        &[&own, &foreign, &system, NOBODY],
        60_000_000,
    )
    .await;
    assert_eq!(found["heads"].as_array().unwrap().len(), 2);
    revision(&found, &own);
    revision(&found, &system);

    let roles = ["gatepost-system-sidecar-role"];
    let everywhere = world.machine_of(&world.admin, "everywhere", &roles).await;
    let found = heads(&world, &everywhere, &[&own, &foreign, NOBODY], 60_000_000).await;
    assert_eq!(found["heads"].as_array().unwrap().len(), 2);
    revision(&found, &foreign);
}

#[tokio::test]
async fn nobody_else_is_told() {
    let world = World::start().await;
    let body = json!({"organizationIds": [organization(&world.admin)]});
    is_for_the_fed(&world, Method::POST, PATH, body).await;
}
