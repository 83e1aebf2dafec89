//! `StreamChanges`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::feeding::{SIDECAR, is_for_the_fed, lines, organization};
use crate::world::{Actor, World};

const PATH: &str = "/v1/replica:changes";

/// Where the organization of `sidecar` stands: revision and epoch.
async fn head(world: &World, sidecar: &Actor) -> (u64, String) {
    let body = json!({"organizationIds": [organization(sidecar)]});
    let answer = world.post(sidecar, "/v1/replica:heads", body).await;
    let head = &answer.is(200)["heads"][0];
    let text = |name: &str| head[name].as_str().unwrap().to_owned();
    (text("revision").parse().unwrap(), text("epoch"))
}

fn from(sidecar: &Actor, after: u64, up_to: u64, epoch: &str) -> Value {
    json!({
        "organizationId": organization(sidecar),
        "products": ["midaz"],
        "afterRevision": after.to_string(),
        "upToRevision": up_to.to_string(),
        "epoch": epoch,
    })
}

#[tokio::test]
async fn every_revision_is_told_with_what_concerns_the_product() {
    let world = World::start().await;
    let sidecar = world.machine("sidecar", &[SIDECAR]).await;
    let (before, epoch) = head(&world, &sidecar).await;
    let alice = world
        .person("alice", &["midaz-viewer-group", "reporter-viewer-group"])
        .await;
    for role in ["midaz-editor-role", "reporter-editor-role"] {
        let path = format!("/v1/users/{}/roles/{role}", alice.id);
        world.put(&world.admin, &path).await.is(204);
    }
    let (after, _) = head(&world, &sidecar).await;
    let steps = lines(
        &world,
        &sidecar,
        PATH,
        from(&sidecar, before, after, &epoch),
    )
    .await;
    let revisions = steps.iter().map(|step| step["revision"].as_str().unwrap());
    let expected: Vec<String> = (before + 1..=after)
        .map(|number| number.to_string())
        .collect();
    assert_eq!(revisions.collect::<Vec<_>>(), expected);
    let text = format!("{steps:?}");
    assert!(!text.contains("alice") && text.contains(&alice.id));
    // One of the two roles is of another product.
    let grants = steps
        .iter()
        .flat_map(|step| step["changes"].as_array().unwrap());
    let grants = grants.filter(|change| change.as_str().unwrap().contains(r#""noun":"grant""#));
    assert_eq!(grants.count(), 1, "{text}");
}

#[tokio::test]
async fn who_comes_from_another_epoch_must_begin_anew() {
    let world = World::start().await;
    let sidecar = world.machine("sidecar", &[SIDECAR]).await;
    let (revision, epoch) = head(&world, &sidecar).await;
    for (after, epoch) in [(revision - 1, "7"), (revision - 1, epoch.as_str())] {
        let steps = lines(
            &world,
            &sidecar,
            PATH,
            from(&sidecar, after, revision, epoch),
        )
        .await;
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0]["reset"], epoch == "7", "{steps:?}");
    }
    let future = from(&sidecar, revision, revision + 1_000, &epoch);
    let refused = world.post(&sidecar, PATH, future).await;
    refused.refuses(ErrorReason::RevisionAhead);
}

#[tokio::test]
async fn nobody_else_is_told() {
    let world = World::start().await;
    let body = from(&world.admin, 0, 1, "0");
    is_for_the_fed(&world, Method::POST, PATH, body).await;
}
