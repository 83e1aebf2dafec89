//! `RevokeToken`. What applications may end is in tests/edge/oauth.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, claims};

const PATH: &str = "/v1/login/oauth/revoke";

#[tokio::test]
async fn a_person_ends_her_own() {
    let world = World::start().await;
    let (alice, bob) = (
        world.person("alice", &[]).await,
        world.person("bob", &[]).await,
    );
    let second = world.sign_in("alice").await;
    let of_bob = json!({"token": bob.refresh_token});
    world.post(&alice, PATH, of_bob).await.is(204);
    world.get(&bob, "/v1/userinfo").await.is(200);
    let own = json!({"token": second.refresh_token});
    let done = world.post(&alice, PATH, own).await;
    done.is(204);
    let ended = world.get(&second, "/v1/userinfo").await;
    ended.refuses(ErrorReason::SessionEnded);
    world.get(&alice, "/v1/userinfo").await.is(200);
    let events = world
        .get(&world.admin, "/v1/audit-events?action=session.end&limit=1")
        .await;
    let event = &events.is(200)["items"][0];
    assert_eq!(event["targetId"], claims(&second.token)["sid"]);
    assert_eq!(event["actorId"], alice.id.as_str());
}

#[tokio::test]
async fn a_machine_cannot_end_its_own_token() {
    let world = World::start().await;
    let robot = world.machine("robot", &[]).await;
    let refused = world
        .post(&robot, PATH, json!({"token": robot.token}))
        .await;
    refused.refuses(ErrorReason::TokenNotRevocable);
    world.get(&robot, "/v1/userinfo").await.is(200);
}

#[tokio::test]
async fn nobody_ends_anything_without_a_token_of_her_own() {
    let world = World::start().await;
    let body = json!({"token": world.admin.token});
    let refused = world
        .send(world.request(Method::POST, PATH).json(&body))
        .await;
    refused.refuses(ErrorReason::TokenMissing);
}
