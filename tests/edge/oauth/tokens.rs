//! The token endpoint.

use std::time::Duration;

use super::{Party, has_ended, is_error, text, user_info};
use crate::world::{PASSWORD, PUBLIC_URL, World, claims, fields};

const TOKEN: &str = "/oauth/token";

fn refresh(token: &str) -> [(&'static str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

#[tokio::test]
async fn a_machine_gets_a_token_of_the_issuer_it_asked() {
    let world = World::start_multi_tenant().await;
    let acme = world.organization("acme").await;
    let party = Party::of(&world, &acme, "robot").await;
    let grant = [("grant_type", "client_credentials")];
    let answer = party.post(&world, "/o/acme/oauth/token", &grant).await;
    let all = ["access_token", "expires_in", "token_type"];
    assert_eq!(fields(answer.is(200)), all);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let token = text(&answer.body, "access_token");
    assert_eq!(claims(token)["iss"], format!("{PUBLIC_URL}/o/acme"));
    user_info(&world, token).await.is(200);
    // The same client at /v1: the installation's issuer.
    let body = serde_json::json!({
        "grantType": "client_credentials", "clientId": party.id, "clientSecret": party.secret,
    });
    let answer = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    let token = text(answer.is(200), "accessToken");
    assert_eq!(claims(token)["iss"], PUBLIC_URL);
}

#[tokio::test]
async fn a_refresh_token_is_turned_by_the_client_it_was_given_to() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::of(&world, &world.admin, "console").await;
    let other = Party::of(&world, &world.admin, "other").await;
    let first = party.sign_in(&world, "alice").await;
    let token = text(&first, "refreshToken");
    is_error(
        &other.post(&world, TOKEN, &refresh(token)).await,
        400,
        "invalid_grant",
    );
    let answer = party.post(&world, TOKEN, &refresh(token)).await;
    let all = [
        "access_token",
        "expires_in",
        "id_token",
        "refresh_token",
        "scope",
        "token_type",
    ];
    assert_eq!(fields(answer.is(200)), all);
    let access = text(&answer.body, "access_token");
    assert_eq!(
        claims(access)["sid"],
        claims(text(&first, "accessToken"))["sid"]
    );
    let next = text(&answer.body, "refresh_token");
    assert_ne!(next, token);
    // Reuse ends the family, at whichever door.
    world.pass(Duration::from_secs(10)).await;
    is_error(
        &party.post(&world, TOKEN, &refresh(token)).await,
        400,
        "invalid_grant",
    );
    is_error(
        &party.post(&world, TOKEN, &refresh(next)).await,
        400,
        "invalid_grant",
    );
    has_ended(&world, access).await;
}

#[tokio::test]
async fn one_that_was_given_to_no_client_is_turned_by_none() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::of(&world, &world.admin, "console").await;
    let refused = party
        .post(&world, TOKEN, &refresh(&alice.refresh_token))
        .await;
    is_error(&refused, 400, "invalid_grant");
}

#[tokio::test]
async fn passwords_are_no_grant_here() {
    let world = World::start().await;
    let party = Party::of(&world, &world.admin, "console").await;
    let form = [
        ("grant_type", "password"),
        ("username", "admin"),
        ("password", PASSWORD),
    ];
    is_error(
        &party.post(&world, TOKEN, &form).await,
        400,
        "unsupported_grant_type",
    );
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code")];
    is_error(
        &party.post(&world, TOKEN, &form).await,
        400,
        "unsupported_grant_type",
    );
    is_error(
        &party.post(&world, TOKEN, &refresh("")).await,
        400,
        "invalid_request",
    );
    is_error(
        &party.post(&world, TOKEN, &refresh("gpr_x")).await,
        400,
        "invalid_grant",
    );
}
