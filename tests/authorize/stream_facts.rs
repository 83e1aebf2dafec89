//! `StreamFacts`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::feeding::{SIDECAR, facts, is_for_the_fed, lines, organization};
use crate::identity::role;
use crate::world::{NOBODY, World};

const PATH: &str = "/v1/replica:facts";

#[tokio::test]
async fn what_decisions_need_is_told_and_nothing_of_anybody() {
    let world = World::start().await;
    let sidecar = world.machine("sidecar", &[SIDECAR]).await;
    let alice = world.person("alice-liddell", &["midaz-viewer-group"]).await;
    world.person("bob", &["reporter-viewer-group"]).await;
    let told = facts(&world, &sidecar, &organization(&sidecar)).await;
    let text = format!("{told:?}");
    for kept_back in ["alice-liddell", "Test", "viewer", "reporter", "example.com"] {
        assert!(!text.contains(kept_back), "{kept_back}");
    }
    let nouns = |noun: &str| told.iter().filter(|fact| fact["noun"] == *noun).count();
    assert!(text.contains(&alice.id) && nouns("member") >= 2 && nouns("grant") >= 1);
}

#[tokio::test]
async fn of_the_system_organization_a_tenant_gets_what_all_need() {
    let world = World::start_multi_tenant().await;
    let acme = world.organization("acme").await;
    world.organization("globex").await;
    let sidecar = world.machine_of(&acme, "sidecar", &[SIDECAR]).await;
    let told = facts(&world, &sidecar, &organization(&world.admin)).await;
    let nouns: Vec<&str> = told
        .iter()
        .map(|fact| fact["noun"].as_str().unwrap())
        .collect();
    for noun in ["signing_key", "product", "role", "organization"] {
        assert!(nouns.contains(&noun), "{noun}");
    }
    for noun in [
        "user",
        "member",
        "grant",
        "credential",
        "application",
        "group",
    ] {
        assert!(!nouns.contains(&noun), "{noun}");
    }
    assert!(!format!("{told:?}").contains("globex"));
}

#[tokio::test]
async fn a_part_without_much_in_it_is_the_last_and_says_of_when_it_is() {
    let world = World::start().await;
    let sidecar = world.machine("sidecar", &[SIDECAR]).await;
    let body = json!({"organizationId": organization(&sidecar), "products": ["midaz"]});
    let parts = lines(&world, &sidecar, PATH, body).await;
    assert_eq!((parts.len(), &parts[0]["last"]), (1, &json!(true)));
    let revision: u64 = parts[0]["revision"].as_str().unwrap().parse().unwrap();
    assert!(revision > 1);
    // A second is the bound, past which there would be no answer.
    let age: u64 = parts[0]["ageUs"].as_str().unwrap().parse().unwrap();
    assert!(age <= 1_000_000, "{age}");
}

#[tokio::test]
async fn an_application_gets_its_own_organization_and_its_own_products() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let sidecar = world.machine_of(&acme, "sidecar", &[SIDECAR]).await;
    let ask = |id: &str, product: &str| json!({"organizationId": id, "products": [product]});
    let foreign = world
        .post(&sidecar, PATH, ask(&organization(&globex), "midaz"))
        .await;
    foreign.refuses(ErrorReason::PermissionMissing);

    role(
        &world,
        &acme,
        "midaz-only",
        "gatepost",
        &["snapshots:midaz"],
    )
    .await;
    let narrow = world.machine_of(&acme, "narrow", &["midaz-only"]).await;
    let own = organization(&acme);
    assert!(!facts(&world, &narrow, &own).await.is_empty());
    let refused = world.post(&narrow, PATH, ask(&own, "reporter")).await;
    refused.refuses(ErrorReason::PermissionMissing);

    let roles = ["gatepost-system-sidecar-role"];
    let everywhere = world.machine_of(&world.admin, "everywhere", &roles).await;
    assert!(!facts(&world, &everywhere, &own).await.is_empty());
    let gone = world.post(&everywhere, PATH, ask(NOBODY, "midaz")).await;
    gone.refuses(ErrorReason::NotFound);
}

#[tokio::test]
async fn nobody_else_is_told() {
    let world = World::start().await;
    let body = json!({"organizationId": organization(&world.admin), "products": ["midaz"]});
    is_for_the_fed(&world, Method::POST, PATH, body).await;
}
