//! Decisions in the product's own process, fed by a server.

use std::time::Duration;

use gatepost_client::Error;
use gatepost_client::local::{Ask, Local, LocalConfig, NO_ATTRIBUTES, Want};
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::CreateApplicationRequest;
use tokio::time::{Instant, sleep};

use crate::world::{Actor, World};

const PATIENCE: Duration = Duration::from_secs(20);

/// A gate in this process, fed with midaz of the organization of `admin`.
async fn gate(world: &World, admin: &Actor) -> Local {
    let request = CreateApplicationRequest {
        name: "local".to_owned(),
        roles: vec!["gatepost-sidecar-role".to_owned()],
        ..CreateApplicationRequest::default()
    };
    let made = admin
        .client
        .applications()
        .create_application(request)
        .await;
    let made = made.unwrap().into_inner().application.unwrap();
    let (id, secret) = (&made.client_id, made.client_secret());
    let config = LocalConfig::new(&world.url(""), id, secret, &["midaz"]);
    // The test is no measurement of a busy machine.
    Local::connect(config.with_bound(PATIENCE)).await.unwrap()
}

fn ask<'a>(product: &'a str, action: &'a str) -> Ask<'a> {
    Ask {
        sub: "",
        product,
        resource: "accounts",
        action,
        attributes: &NO_ATTRIBUTES,
    }
}

fn reason(error: &Error) -> ErrorReason {
    error.reason().unwrap()
}

#[tokio::test]
async fn a_local_gate_answers_as_the_server_does() {
    let world = World::start().await;
    let gate = gate(&world, &world.admin).await;
    assert!(gate.is_ready());
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    for action in ["get", "post", "delete", "*"] {
        let there = world.authorize(&alice, "midaz", "accounts", action).await;
        let here = gate.may(&alice.token, &ask("midaz", action)).await.unwrap();
        assert_eq!(there.is(200)["authorized"], here.allowed, "{action}");
        assert_eq!(there.body["reason"], here.reason, "{action}");
        assert!(here.revision >= there.revision());
        assert!(here.freshness.age <= here.freshness.bound);
    }
    let forged = gate.may("not.a.token", &ask("midaz", "get")).await;
    assert_eq!(reason(&forged.unwrap_err()), ErrorReason::TokenInvalid);
}

#[tokio::test]
async fn what_is_not_fed_is_not_decided() {
    let world = World::start_multi_tenant().await;
    let (acme, globex) = (
        world.organization("acme").await,
        world.organization("globex").await,
    );
    let gate = gate(&world, &acme).await;
    let alice = world
        .person_of(&acme, "alice", &["midaz-viewer-group"])
        .await;
    let bob = world
        .person_of(&globex, "bob", &["midaz-viewer-group"])
        .await;
    assert!(
        gate.may(&alice.token, &ask("midaz", "get"))
            .await
            .unwrap()
            .allowed
    );
    for (token, product) in [
        (&alice.token, "reporter"),
        // Every product that declares the permission would have to agree.
        (&alice.token, ""),
        (&bob.token, "midaz"),
        (&world.admin.token, "midaz"),
    ] {
        let refused = gate.may(token, &ask(product, "get")).await.unwrap_err();
        assert_eq!(reason(&refused), ErrorReason::NotServed, "{product}");
    }
}

#[tokio::test]
async fn revocations_and_logouts_come_without_asking() {
    let world = World::start().await;
    let gate = gate(&world, &world.admin).await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let bob = world.person("bob", &["midaz-viewer-group"]).await;
    for actor in [&alice, &bob] {
        assert!(
            gate.may(&actor.token, &ask("midaz", "get"))
                .await
                .unwrap()
                .allowed
        );
    }
    let path = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    world.delete(&world.admin, &path).await.is(204);
    world
        .post(&bob, "/v1/logout", serde_json::json!({}))
        .await
        .is(204);
    let begun = Instant::now();
    loop {
        let alice = gate.may(&alice.token, &ask("midaz", "get")).await.unwrap();
        let bob = gate.may(&bob.token, &ask("midaz", "get")).await;
        if let (false, Err(error)) = (alice.allowed, bob) {
            assert_eq!(alice.reason, "permission");
            assert_eq!(reason(&error), ErrorReason::SessionEnded);
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_local_gate_can_be_asked_to_be_fully_fresh() {
    let world = World::start().await;
    let gate = gate(&world, &world.admin).await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let path = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    gate.may(&alice.token, &ask("midaz", "get")).await.unwrap();
    world.delete(&world.admin, &path).await.is(204);
    let (begun, want) = (Instant::now(), Want::default().and_fully_fresh());
    let caller = loop {
        // A busy machine may need more than the 50 ms.
        match gate.authenticate(&alice.token, want).await {
            Ok(caller) => break caller,
            Err(error) => assert_eq!(reason(&error), ErrorReason::Stale),
        }
        assert!(begun.elapsed() < PATIENCE);
    };
    assert!(
        !Local::answer(&caller, &ask("midaz", "get"))
            .unwrap()
            .allowed
    );
}

#[tokio::test]
async fn who_may_not_be_fed_does_not_get_a_gate() {
    let world = World::start().await;
    let config = LocalConfig::new(&world.url(""), "nobody", "nothing", &["midaz"]);
    assert!(Local::connect(config).await.is_err());
}
