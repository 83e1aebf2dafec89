//! `WatchHeads`.

use std::time::Duration;

use gatepost_proto::authorize::v1::WatchHeadsRequest;
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use super::feeding::{SIDECAR, is_for_the_fed, organization};
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_write_is_told_of_to_those_whom_it_concerns() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let sidecar = world.machine_of(&acme, "sidecar", &[SIDECAR]).await;
    let roles = ["gatepost-system-sidecar-role"];
    let everywhere = world.machine_of(&world.admin, "everywhere", &roles).await;
    let mut streams = Vec::new();
    for actor in [&sidecar, &everywhere] {
        let answer = actor
            .client
            .replica()
            .watch_heads(WatchHeadsRequest {})
            .await;
        streams.push(answer.unwrap().into_inner());
    }
    world.person_of(&globex, "bob", &[]).await;
    world.person_of(&acme, "alice", &[]).await;
    let mut heard = Vec::new();
    for stream in &mut streams {
        let news = timeout(PATIENCE, stream.message()).await.unwrap();
        heard.push(news.unwrap().unwrap().organization_ids);
    }
    assert_eq!(heard[0], [organization(&acme)]);
    assert_eq!(heard[1], [organization(&globex)]);
}

#[tokio::test]
async fn the_stream_ends_with_the_server() {
    let world = World::start().await;
    let sidecar = world.machine("sidecar", &[SIDECAR]).await;
    let answer = sidecar
        .client
        .replica()
        .watch_heads(WatchHeadsRequest {})
        .await;
    let mut stream = answer.unwrap().into_inner();
    let ((), end) = tokio::join!(
        world.close(),
        timeout(PATIENCE, async {
            while let Ok(Some(_)) = stream.message().await {}
        })
    );
    end.unwrap();
}

#[tokio::test]
async fn nobody_else_is_told() {
    let world = World::start().await;
    is_for_the_fed(&world, Method::POST, "/v1/replica:watch-heads", json!({})).await;
}
