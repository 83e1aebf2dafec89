//! `WatchRevisions`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::{WatchRevisionsRequest, WatchRevisionsResponse};
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;
use tonic::Streaming;

use crate::world::{Actor, World};

const PATIENCE: Duration = Duration::from_secs(20);

async fn watch(actor: &Actor, after_revision: u64) -> Streaming<WatchRevisionsResponse> {
    let request = WatchRevisionsRequest { after_revision };
    let answer = actor.client.authorize().watch_revisions(request).await;
    answer.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<WatchRevisionsResponse>) -> u64 {
    let message = timeout(PATIENCE, stream.message()).await.unwrap();
    message.unwrap().unwrap().revision
}

#[tokio::test]
async fn a_watcher_hears_of_each_write_and_goes_on_where_it_was() {
    let world = World::start().await;
    let mut stream = watch(&world.admin, 0).await;
    // What is there already comes at once.
    let first = next(&mut stream).await;
    let may = world
        .authorize(&world.admin, "midaz", "accounts", "get")
        .await;
    assert_eq!(first, may.revision());
    let made = world
        .post(&world.admin, "/v1/groups", json!({"name": "one"}))
        .await;
    assert_eq!(next(&mut stream).await, made.revision());
    drop(stream);
    let missed = world
        .post(&world.admin, "/v1/groups", json!({"name": "two"}))
        .await;
    let mut again = watch(&world.admin, made.revision()).await;
    assert_eq!(next(&mut again).await, missed.revision());
}

#[tokio::test]
async fn a_watcher_hears_of_its_own_organization_only() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let mut stream = watch(&acme, 0).await;
    next(&mut stream).await;
    world
        .post(&globex, "/v1/groups", json!({"name": "theirs"}))
        .await
        .is(201);
    let own = world
        .post(&acme, "/v1/groups", json!({"name": "ours"}))
        .await;
    assert_eq!(next(&mut stream).await, own.revision());
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mut stream = watch(&alice, 0).await;
    next(&mut stream).await;
    world.post(&alice, "/v1/logout", json!({})).await.is(204);
    let end = timeout(PATIENCE, async {
        loop {
            if let Err(status) = stream.message().await {
                return ErrorReason::of(&status);
            }
        }
    });
    assert_eq!(end.await.unwrap(), Some(ErrorReason::SessionEnded));
}

#[tokio::test]
async fn without_a_token_there_is_nothing_to_hear() {
    let world = World::start().await;
    let request = world.request(Method::GET, "/v1/authorize:watch-revisions");
    world.send(request).await.refuses(ErrorReason::TokenMissing);
}
