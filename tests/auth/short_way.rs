//! Calls over plain gRPC, which are answered past the router when all is at hand: they are refused,
//! slowed and believed like those that go the long way.

use gatepost_client::Client;
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{IntrospectTokenRequest, IntrospectTokenResponse};
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Actor, NOBODY, World};

/// A machine whose tokens are signed fast enough to be made at once, and the client for it.
async fn machine(world: &World, name: &str) -> (Value, Client) {
    let body = json!({"name": name, "tokenAlgorithm": "EdDSA"});
    let made = application(world, &world.admin, body).await;
    (made, world.anonymous().await)
}

/// A token over gRPC; else why not.
async fn token(client: &Client, made: &Value, secret: &str) -> Result<String, Option<ErrorReason>> {
    let id = made["clientId"].as_str().unwrap();
    let issued = client.client_token(id, secret).await;
    let issued = issued.map_err(|error| error.reason())?;
    Ok(issued.access_token.unwrap())
}

#[tokio::test]
async fn a_machine_that_is_remembered_is_refused_like_any_other() {
    let world = World::start().await;
    let (made, client) = machine(&world, "robot").await;
    let secret = made["clientSecret"].as_str().unwrap();
    for _ in 0..3 {
        token(&client, &made, secret).await.unwrap();
    }
    let path = format!("/v1/applications/{}", made["id"].as_str().unwrap());
    let change = async |body: Value| {
        world.patch(&world.admin, &path, body).await.is(200);
    };
    for (off, on, reason) in [
        (
            json!({"status": "suspended"}),
            json!({"status": "active"}),
            ErrorReason::ApplicationSuspended,
        ),
        (
            json!({"settings": {"grantTypes": ["refresh_token"]}}),
            json!({"settings": {}}),
            ErrorReason::GrantTypeRefused,
        ),
    ] {
        change(off).await;
        for _ in 0..2 {
            let refused = token(&client, &made, secret).await;
            assert_eq!(refused.unwrap_err(), Some(reason));
        }
        change(on).await;
        for _ in 0..2 {
            token(&client, &made, secret).await.unwrap();
        }
    }
    // Its second secret goes, and what was bought with it; the first one stays.
    let credentials = format!("{path}/credentials");
    let second = world.post(&world.admin, &credentials, json!({})).await;
    let other = second.is(201)["clientSecret"].as_str().unwrap();
    let bought = token(&client, &made, other).await.unwrap();
    let id = second.body["id"].as_str().unwrap();
    let one = format!("{credentials}/{id}");
    world.delete(&world.admin, &one).await.is(204);
    let refused = token(&client, &made, other).await.unwrap_err();
    assert_eq!(refused, Some(ErrorReason::ClientInvalid));
    let request = world.request(Method::GET, "/v1/userinfo");
    let ended = world.send(request.bearer_auth(bought)).await;
    ended.refuses(ErrorReason::CredentialRevoked);
    token(&client, &made, secret).await.unwrap();
    world.delete(&world.admin, &path).await.is(204);
    let gone = token(&client, &made, secret).await.unwrap_err();
    assert_eq!(gone, Some(ErrorReason::ClientInvalid));
}

#[tokio::test]
async fn wrong_secrets_are_counted_there_too() {
    let world = World::start().await;
    let (made, client) = machine(&world, "robot").await;
    let secret = made["clientSecret"].as_str().unwrap();
    // Known from the second time on, and remembered from the third.
    for _ in 0..3 {
        token(&client, &made, secret).await.unwrap();
    }
    let mut wrong = 0;
    let last = loop {
        let refused = token(&client, &made, "gps_wrong").await.unwrap_err();
        if refused != Some(ErrorReason::ClientInvalid) {
            break refused;
        }
        wrong += 1;
        assert!(wrong < 30, "nobody is slowed");
    };
    assert_eq!(last, Some(ErrorReason::TooManyAttempts));
    // Over REST, which goes the long way, it is the same count.
    let body = json!({
        "grantType": "client_credentials", "clientId": made["clientId"],
        "clientSecret": "gps_wrong",
    });
    let path = "/v1/login/oauth/access_token";
    let slowed = world.post_openly(path, body).await;
    slowed.refuses(ErrorReason::TooManyAttempts);
    // Whoever proved itself before is not held up by strangers.
    token(&client, &made, secret).await.unwrap();
}

async fn ask(who: &Actor, token: &str) -> Result<IntrospectTokenResponse, Option<ErrorReason>> {
    let request = IntrospectTokenRequest {
        token: token.to_owned(),
    };
    let told = who.client.auth().introspect_token(request).await;
    let told = told.map_err(|status| gatepost_client::Error::from(status).reason())?;
    Ok(told.into_inner())
}

#[tokio::test]
async fn nobody_learns_more_over_grpc() {
    let world = World::start_multi_tenant().await;
    let acme = world.organization("acme").await;
    let alice = world.person("alice", &[]).await;
    let bob = world.person("bob", &[]).await;
    let robot = world.machine("robot", &[]).await;
    let forged = format!("{}AAAA", alice.token);
    for (who, about, is_told) in [
        (&alice, &alice.token, true),
        (&alice, &alice.refresh_token, true),
        (&alice, &bob.token, false),
        (&alice, &bob.refresh_token, false),
        (&robot, &alice.token, true),
        (&robot, &alice.refresh_token, true),
        (&robot, &forged, false),
        (&robot, &acme.token, false),
        (&robot, &acme.refresh_token, false),
        (&acme, &robot.token, false),
    ] {
        let told = ask(who, about).await.unwrap();
        assert_eq!(told.active, is_told, "{about}");
        assert_eq!(told == IntrospectTokenResponse::default(), !is_told);
    }
    let nobody = Actor {
        id: NOBODY.to_owned(),
        token: String::new(),
        refresh_token: String::new(),
        client: world.anonymous().await,
    };
    let refused = ask(&nobody, &alice.token).await.unwrap_err();
    assert_eq!(refused, Some(ErrorReason::TokenMissing));
    let none = ask(&alice, "").await.unwrap_err();
    assert_eq!(none, Some(ErrorReason::InvalidRequest));
    world.post(&bob, "/v1/logout", json!({})).await;
    let ended = ask(&robot, &bob.token).await.unwrap();
    assert!(!ended.active);
    let late = ask(&bob, &bob.token).await.unwrap_err();
    assert_eq!(late, Some(ErrorReason::SessionEnded));
}
