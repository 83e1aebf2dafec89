//! How a client proves itself (RFC 6749 §2.3).

use reqwest::Method;

use super::{Party, is_error, send};
use crate::world::World;

const TOKEN: &str = "/oauth/token";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn a_secret_may_stand_in_the_header_or_in_the_form() {
    let world = World::start().await;
    let party = Party::of(&world, &world.admin, "robot").await;
    party.post(&world, TOKEN, &[GRANT]).await.is(200);
    let own = [
        ("client_id", party.id.as_str()),
        ("client_secret", &party.secret),
    ];
    send(&world, TOKEN, &[GRANT, own[0], own[1]]).await.is(200);
    // The id may be named beside the header, the secret not.
    party.post(&world, TOKEN, &[GRANT, own[0]]).await.is(200);
    let twice = party.post(&world, TOKEN, &[GRANT, own[1]]).await;
    is_error(&twice, 400, "invalid_request");
    let other = party
        .post(&world, TOKEN, &[GRANT, ("client_id", "other")])
        .await;
    is_error(&other, 400, "invalid_request");
}

#[tokio::test]
async fn a_client_that_is_not_proven_is_asked_for_it_where_it_tried() {
    let world = World::start().await;
    let party = Party::of(&world, &world.admin, "robot").await;
    let wrong = Party {
        id: party.id.clone(),
        secret: "gps_wrong".to_owned(),
    };
    let refused = wrong.post(&world, TOKEN, &[GRANT]).await;
    is_error(&refused, 401, "invalid_client");
    assert!(
        refused
            .header("www-authenticate")
            .starts_with("Basic realm=")
    );
    let stranger = [("client_id", "nobody"), ("client_secret", "gps_wrong")];
    let refused = send(&world, TOKEN, &[GRANT, stranger[0], stranger[1]]).await;
    is_error(&refused, 401, "invalid_client");
    assert_eq!(refused.header("www-authenticate"), "");
    is_error(&send(&world, TOKEN, &[GRANT]).await, 401, "invalid_client");
    for header in ["Bearer x", "Basic", "Basic !!", "Basic bm9jb2xvbg=="] {
        let request = world.request(Method::POST, TOKEN).form(&[GRANT]);
        let refused = world.send(request.header("authorization", header)).await;
        is_error(&refused, 401, "invalid_client");
    }
    let long = "x".repeat(300);
    let form = [GRANT, ("client_id", &party.id), ("client_secret", &long)];
    is_error(&send(&world, TOKEN, &form).await, 401, "invalid_client");
}

#[tokio::test]
async fn failures_of_a_client_are_slowed() {
    let world = World::start().await;
    let party = Party::of(&world, &world.admin, "robot").await;
    let wrong = Party {
        id: party.id.clone(),
        secret: "gps_wrong".to_owned(),
    };
    let mut refused = wrong.post(&world, TOKEN, &[GRANT]).await;
    for _ in 0..20 {
        if refused.status != 401 {
            break;
        }
        refused = wrong.post(&world, TOKEN, &[GRANT]).await;
    }
    is_error(&refused, 429, "temporarily_unavailable");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
}

#[tokio::test]
async fn a_client_is_known_at_the_issuer_of_its_organization_only() {
    let world = World::start_multi_tenant().await;
    let acme = world.organization("acme").await;
    let globex = world.organization("globex").await;
    let party = Party::of(&world, &acme, "robot").await;
    let other = Party::of(&world, &globex, "robot").await;
    party
        .post(&world, "/o/acme/oauth/token", &[GRANT])
        .await
        .is(200);
    for path in [
        "/oauth/token",
        "/o/globex/oauth/token",
        "/o/nobody/oauth/token",
    ] {
        is_error(
            &party.post(&world, path, &[GRANT]).await,
            401,
            "invalid_client",
        );
    }
    is_error(
        &other.post(&world, "/o/acme/oauth/token", &[GRANT]).await,
        401,
        "invalid_client",
    );
}

#[tokio::test]
async fn a_secret_that_was_remembered_bites_no_longer_once_it_is_revoked() {
    let world = World::start().await;
    let party = Party::of(&world, &world.admin, "robot").await;
    for _ in 0..3 {
        party.post(&world, TOKEN, &[GRANT]).await.is(200);
    }
    let list = world.get(&world.admin, "/v1/applications").await;
    let items = list.is(200)["items"].as_array().unwrap().clone();
    let own = items
        .iter()
        .find(|item| item["clientId"] == party.id.as_str());
    let path = format!("/v1/applications/{}", own.unwrap()["id"].as_str().unwrap());
    let suspend = serde_json::json!({"status": "suspended"});
    world.patch(&world.admin, &path, suspend).await.is(200);
    is_error(
        &party.post(&world, TOKEN, &[GRANT]).await,
        401,
        "invalid_client",
    );
    let revive = serde_json::json!({"status": "active"});
    world.patch(&world.admin, &path, revive).await.is(200);
    party.post(&world, TOKEN, &[GRANT]).await.is(200);
    world.delete(&world.admin, &path).await.is(204);
    is_error(
        &party.post(&world, TOKEN, &[GRANT]).await,
        401,
        "invalid_client",
    );
}

#[tokio::test]
async fn malformed_forms_are_refused_and_unknown_parameters_skipped() {
    let world = World::start().await;
    let party = Party::of(&world, &world.admin, "robot").await;
    party
        .post(&world, TOKEN, &[GRANT, ("nonce", "1"), ("audience", "x")])
        .await
        .is(200);
    let twice = party.post(&world, TOKEN, &[GRANT, GRANT]).await;
    is_error(&twice, 400, "invalid_request");
    is_error(
        &party.post(&world, TOKEN, &[]).await,
        400,
        "invalid_request",
    );
    let post = || {
        let request = world.request(Method::POST, TOKEN);
        request.basic_auth(&party.id, Some(&party.secret))
    };
    let json = post().json(&serde_json::json!({"grant_type": "client_credentials"}));
    is_error(&world.send(json).await, 400, "invalid_request");
    let form = |body: String| {
        post()
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    let broken = world.send(form("grant_type=%zz".to_owned())).await;
    is_error(&broken, 400, "invalid_request");
    let large = world
        .send(form("x=".to_owned() + &"y".repeat(70_000)))
        .await;
    is_error(&large, 413, "invalid_request");
    let get = world.send(world.request(Method::GET, TOKEN)).await;
    assert_eq!(get.status, 405);
}
