//! Roles that are held until a time, or for some attributes, as questions meet them.

use std::time::Duration;

use gatepost_proto::authorize::v1::AuthorizeRequest;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::{after, group, role};
use crate::world::{Actor, World};

const MINUTE: Duration = Duration::from_mins(1);

async fn give(world: &World, path: &str, terms: Value) {
    let answer = world.call(&world.admin, Method::PUT, path, terms).await;
    answer.is(204);
}

fn ledger(values: &[&str]) -> Value {
    json!([{"attribute": "ledger_id", "values": values}])
}

/// The reason of both faces, which must be the same.
async fn reason(world: &World, actor: &Actor, attributes: &[(&str, &str)]) -> String {
    let pairs = attributes.iter();
    let attributes: std::collections::BTreeMap<String, String> = pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let question = json!({
        "product": "midaz", "resource": "accounts", "action": "get", "attributes": attributes,
    });
    let rest = world.post(actor, "/v1/authorize", question).await;
    let request = AuthorizeRequest {
        product: "midaz".to_owned(),
        resource: "accounts".to_owned(),
        action: "get".to_owned(),
        attributes,
        ..AuthorizeRequest::default()
    };
    let grpc = actor.client.authorize().authorize(request).await.unwrap();
    let grpc = grpc.into_inner();
    assert_eq!(rest.is(200)["reason"], grpc.reason);
    assert_eq!(rest.body["authorized"], grpc.authorized);
    assert_eq!(grpc.authorized, grpc.reason == "granted");
    grpc.reason
}

#[tokio::test]
async fn a_grant_expires_without_a_write() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let machine = world.machine("worker", &[]).await;
    group(&world, &world.admin, "team", &[]).await;
    let bob = world.person("bob", &["team"]).await;
    let terms = json!({"expiresAt": after(MINUTE * 10)});
    for holder in [
        format!("users/{}", alice.id),
        format!("applications/{}", machine.id),
        "groups/team".to_owned(),
    ] {
        give(
            &world,
            &format!("/v1/{holder}/roles/midaz-viewer-role"),
            terms.clone(),
        )
        .await;
    }
    let everybody = [&alice, &machine, &bob];
    for actor in everybody {
        assert_eq!(reason(&world, actor, &[]).await, "granted");
    }
    let before = world
        .authorize(&alice, "midaz", "accounts", "get")
        .await
        .revision();
    world.pass(MINUTE * 9).await;
    assert_eq!(reason(&world, &alice, &[]).await, "granted");
    world.pass(MINUTE * 2).await;
    for actor in everybody {
        assert_eq!(reason(&world, actor, &[]).await, "permission");
    }
    let after = world
        .authorize(&alice, "midaz", "accounts", "get")
        .await
        .revision();
    assert_eq!(before, after, "nothing was written");
}

#[tokio::test]
async fn a_denial_expires_like_anything_else() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    role(&world, &world.admin, "paused", "midaz", &["!accounts:*"]).await;
    let path = format!("/v1/users/{}/roles/paused", alice.id);
    give(&world, &path, json!({"expiresAt": after(MINUTE * 10)})).await;
    assert_eq!(reason(&world, &alice, &[]).await, "denied");
    world.pass(MINUTE * 11).await;
    assert_eq!(reason(&world, &alice, &[]).await, "granted");
}

#[tokio::test]
async fn an_attribute_must_be_there_and_among_the_values() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    give(&world, &path, json!({"limits": ledger(&["1", "2"])})).await;
    for value in ["1", "2"] {
        assert_eq!(
            reason(&world, &alice, &[("ledger_id", value)]).await,
            "granted"
        );
    }
    for foreign in ["3", "", "1 ", "*", "1,2"] {
        assert_eq!(
            reason(&world, &alice, &[("ledger_id", foreign)]).await,
            "attributes"
        );
    }
    assert_eq!(reason(&world, &alice, &[]).await, "attributes");
    assert_eq!(
        reason(&world, &alice, &[("Ledger_id", "1")]).await,
        "attributes"
    );
    // Of several limits each one must be met.
    let mut both = ledger(&["1"]);
    let second = json!({"attribute": "organization_id", "values": ["a"]});
    both.as_array_mut().unwrap().push(second);
    give(&world, &path, json!({"limits": both})).await;
    let (one, other) = (("ledger_id", "1"), ("organization_id", "a"));
    assert_eq!(reason(&world, &alice, &[one]).await, "attributes");
    assert_eq!(reason(&world, &alice, &[other]).await, "attributes");
    assert_eq!(reason(&world, &alice, &[one, other]).await, "granted");
    // Whoever holds the role without limits by another way is not limited.
    let member = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    world.put(&world.admin, &member).await.is(204);
    assert_eq!(reason(&world, &alice, &[]).await, "granted");
}

#[tokio::test]
async fn leaving_an_attribute_out_gets_nobody_past_a_denial() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    role(&world, &world.admin, "not-there", "midaz", &["!accounts:*"]).await;
    let path = format!("/v1/users/{}/roles/not-there", alice.id);
    give(&world, &path, json!({"limits": ledger(&["secret"])})).await;
    assert_eq!(
        reason(&world, &alice, &[("ledger_id", "secret")]).await,
        "denied"
    );
    assert_eq!(reason(&world, &alice, &[]).await, "denied");
    assert_eq!(
        reason(&world, &alice, &[("ledger_id", "plain")]).await,
        "granted"
    );
}

#[tokio::test]
async fn other_terms_count_at_once() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    give(&world, &path, json!({"limits": ledger(&["1"])})).await;
    assert_eq!(reason(&world, &alice, &[]).await, "attributes");
    give(&world, &path, json!({})).await;
    assert_eq!(reason(&world, &alice, &[]).await, "granted");
    give(&world, &path, json!({"expiresAt": after(MINUTE)})).await;
    world.pass(MINUTE * 2).await;
    assert_eq!(reason(&world, &alice, &[]).await, "permission");
    give(&world, &path, json!({})).await;
    assert_eq!(reason(&world, &alice, &[]).await, "granted");
}
