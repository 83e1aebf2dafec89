//! Creations that are sent twice and happen once.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::new_user;
use crate::world::{Actor, Answer, World};

async fn create(world: &World, actor: &Actor, key: &str, path: &str, body: &Value) -> Answer {
    let request = world.request(Method::POST, path).bearer_auth(&actor.token);
    world
        .send(request.header("idempotency-key", key).json(body))
        .await
}

#[tokio::test]
async fn the_same_creation_again_answers_the_same_without_its_secret() {
    let world = World::start().await;
    let cases = [
        ("/v1/users", new_user("alice", &[])),
        ("/v1/groups", json!({"name": "team"})),
        ("/v1/roles", json!({"name": "bakers", "product": "midaz"})),
        ("/v1/applications", json!({"name": "midaz"})),
    ];
    for (path, body) in cases {
        let first = create(&world, &world.admin, path, path, &body).await;
        let again = create(&world, &world.admin, path, path, &body).await;
        let mut expected = first.is(201).clone();
        expected.as_object_mut().unwrap().remove("clientSecret");
        assert_eq!(*again.is(201), expected);
        assert_eq!(again.revision(), first.revision(), "nothing changed");
    }
}

#[tokio::test]
async fn an_organization_is_created_once_too() {
    let world = World::start_multi_tenant().await;
    let mut owner = new_user("olivia", &[]);
    owner.as_object_mut().unwrap().remove("groups");
    let body = json!({"slug": "bakery", "name": "Bakery", "owner": owner});
    let first = create(&world, &world.admin, "k", "/v1/organizations", &body).await;
    let again = create(&world, &world.admin, "k", "/v1/organizations", &body).await;
    assert_eq!(again.is(201), first.is(201));
}

#[tokio::test]
async fn another_request_with_the_same_key_is_refused() {
    let world = World::start().await;
    let body = json!({"name": "team"});
    create(&world, &world.admin, "k", "/v1/groups", &body)
        .await
        .is(201);
    let other = create(
        &world,
        &world.admin,
        "k",
        "/v1/groups",
        &json!({"name": "x"}),
    )
    .await;
    other.refuses(ErrorReason::IdempotencyKeyReused);
    let elsewhere = create(&world, &world.admin, "k", "/v1/applications", &body).await;
    elsewhere.refuses(ErrorReason::IdempotencyKeyReused);
    for bad in ["", &"k".repeat(129)] {
        let bad = create(&world, &world.admin, bad, "/v1/groups", &body).await;
        bad.refuses(ErrorReason::InvalidRequest);
    }
}

#[tokio::test]
async fn a_key_is_its_callers_own_and_only_for_a_day() {
    let world = World::start().await;
    let bob = world.person("bob", &["admin-group"]).await;
    let body = json!({"name": "team"});
    create(&world, &world.admin, "k", "/v1/groups", &body)
        .await
        .is(201);
    let others = create(&world, &bob, "k", "/v1/groups", &body).await;
    others.refuses(ErrorReason::NameTaken);
    // A refused creation keeps no answer.
    let next = json!({"name": "another team"});
    create(&world, &bob, "k", "/v1/groups", &next).await.is(201);

    world.pass(std::time::Duration::from_hours(25)).await;
    let admin = world.sign_in("admin").await;
    let late = create(&world, &admin, "k", "/v1/groups", &json!({"name": "late"})).await;
    assert_eq!(late.is(201)["name"], "late");
}
