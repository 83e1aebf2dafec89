//! `GetUserInfo`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, claims};

#[tokio::test]
async fn people_and_machines_learn_who_they_are() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let answer = world.get(&alice, "/v1/userinfo").await;
    let expected = json!({
        "sub": alice.id, "name": "Test alice", "preferredUsername": "alice",
        "email": "alice@example.com", "emailVerified": false, "picture": "", "profile": "",
    });
    assert_eq!(*answer.is(200), expected);
    assert!(answer.revision() > 0);

    let midaz = world.machine("midaz", &[]).await;
    let token = claims(&midaz.token);
    let answer = world.get(&midaz, "/v1/userinfo").await;
    let expected = json!({
        "sub": token["sub"], "name": "midaz", "preferredUsername": token["azp"],
        "email": "", "emailVerified": false, "picture": "", "profile": "",
    });
    assert_eq!(*answer.is(200), expected);
}

#[tokio::test]
async fn nobody_is_nobody() {
    let world = World::start().await;
    let nobody = world.send(world.request(Method::GET, "/v1/userinfo")).await;
    nobody.refuses(ErrorReason::TokenMissing);
    assert_eq!(nobody.body["code"], "AUT-0006");
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
}
