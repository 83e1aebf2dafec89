//! What a caller of a guarded product gets from a Gatepost that is there.

use std::time::Duration;

use gatepost_client::guard::{Guard, SettingError};
use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::guard;
use super::product::{DELETE, FACES, Face, GET, INSIDE, MISSPELT, OPEN, Product, Said, UNLISTED};
use crate::identity::application;
use crate::world::{World, claims};

#[track_caller]
fn is(said: &Said, status: u16, reason: &str) {
    assert_eq!(
        (said.status, said.reason.as_str()),
        (status, reason),
        "{said:?}"
    );
}

/// Nothing of an answer tells of what the guard asks, or of the inside.
#[track_caller]
fn tells_little(said: &Said) {
    for secret in ["midaz", "accounts:", "viewer", "revision", "eyJ"] {
        assert!(!said.text.contains(secret), "`{secret}` in {said:?}");
    }
}

#[tokio::test]
async fn who_may_passes_and_the_handler_knows_who_it_was() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let machine = world.machine("till", &["midaz-editor-role"]).await;
    let organization = claims(&alice.token)["tenantId"].clone();
    let product = Product::start(&guard(&world)).await;
    for face in FACES {
        let said = product.call_as(face, GET, &alice.token).await;
        is(&said, 200, "");
        assert_eq!(said.decision["subject"], format!("user {}", alice.id));
        assert_eq!(said.decision["organization"], organization);
        assert!(said.decision["revision"].as_u64().unwrap() > 0);
        assert!(!said.decision["id"].as_str().unwrap().is_empty());
        let said = product.call_as(face, DELETE, &machine.token).await;
        is(&said, 200, "");
        let subject = format!("application {}", machine.id);
        assert_eq!(said.decision["subject"], subject);
        let said = product.call_as(face, INSIDE, &alice.token).await;
        is(&said, 200, "");
        assert_eq!(said.decision["subject"], format!("user {}", alice.id));
    }
}

/// A token that another product was given is no good at one that asks for its own audience.
#[tokio::test]
async fn a_guard_with_an_audience_lets_its_own_tokens_pass() {
    let world = World::start().await;
    let audiences = ["https://bank.test", "https://shop.test"];
    let body = json!({
        "name": "till", "roles": ["midaz-editor-role"], "settings": {"resources": audiences},
    });
    let made = application(&world, &world.admin, body).await;
    let product = Product::start(&guard(&world).audience("https://bank.test")).await;
    for (resource, status, reason) in [
        ("https://bank.test", 200, ""),
        ("https://shop.test", 401, "TOKEN_INVALID"),
        ("", 401, "TOKEN_INVALID"),
    ] {
        let form = [("grant_type", "client_credentials"), ("resource", resource)];
        let request = world.request(Method::POST, "/oauth/token").form(&form);
        let (id, secret) = (made["clientId"].as_str(), made["clientSecret"].as_str());
        let bought = world.send(request.basic_auth(id.unwrap(), secret)).await;
        let token = bought.is(200)["access_token"].as_str().unwrap().to_owned();
        for face in FACES {
            is(&product.call_as(face, GET, &token).await, status, reason);
        }
    }
}

#[tokio::test]
async fn who_may_not_is_refused_and_learns_no_more_than_that() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let nobody = world.person("nobody", &[]).await;
    let product = Product::start(&guard(&world)).await;
    for face in FACES {
        for (path, token) in [
            (DELETE, &alice.token),
            (MISSPELT, &alice.token),
            (GET, &nobody.token),
            (INSIDE, &nobody.token),
        ] {
            let said = product.call_as(face, path, token).await;
            is(&said, 403, "PERMISSION_MISSING");
            tells_little(&said);
            assert!(!said.text.contains("unknown"), "{said:?}");
        }
    }
}

#[tokio::test]
async fn a_grant_within_limits_passes_for_the_attributes_that_meet_them() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let limits = json!([{"attribute": "ledger_id", "values": ["l-7", "l-8"]}]);
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    let given = json!({"limits": limits});
    let answer = world.call(&world.admin, Method::PUT, &path, given).await;
    answer.is(204);
    let product = Product::start(&guard(&world)).await;
    for face in FACES {
        for met in ["l-7", "l-8"] {
            let said = product.call_about(face, met, &alice.token).await;
            is(&said, 200, "");
            assert_eq!(said.decision["subject"], format!("user {}", alice.id));
        }
        // By the handler itself, which says `l-7`.
        is(&product.call_as(face, INSIDE, &alice.token).await, 200, "");
        let unmet = product.call_about(face, "l-9", &alice.token).await;
        // Of one who says nothing about any ledger.
        let missing = product.call_as(face, GET, &alice.token).await;
        for said in [unmet, missing] {
            is(&said, 403, "PERMISSION_MISSING");
            tells_little(&said);
            assert!(!said.text.contains("l-7"), "{said:?}");
        }
    }
}

#[tokio::test]
async fn a_call_brings_one_credential_where_it_belongs() {
    let world = World::start().await;
    let token = &world.admin.token;
    let product = Product::start(&guard(&world)).await;
    let bearer = format!("Bearer {token}");
    for face in FACES {
        is(&product.call(face, GET, &[]).await, 401, "TOKEN_MISSING");
        is(&product.call(face, INSIDE, &[]).await, 401, "TOKEN_MISSING");
        for wrong in [
            &[bearer.as_str(), bearer.as_str()][..],
            &[bearer.as_str(), "Basic eA=="],
            &[token.as_str()],
            &["Basic eA=="],
            &["Bearer not-a-token"],
            &["Bearer "],
        ] {
            let said = product.call(face, GET, wrong).await;
            is(&said, 401, "TOKEN_INVALID");
            tells_little(&said);
        }
        let shouted = format!("BEARER {token}");
        is(&product.call(face, GET, &[&shouted]).await, 200, "");
        is(&product.call(face, OPEN, &[]).await, 200, "");
    }
    for elsewhere in [
        world
            .request(Method::GET, "")
            .header("cookie", format!("access_token={token}")),
        world
            .request(Method::GET, "")
            .query(&[("access_token", token)]),
    ] {
        let mut request = elsewhere.build().unwrap();
        request
            .url_mut()
            .set_port(Some(product.http.port()))
            .unwrap();
        request.url_mut().set_path(GET);
        let answer = reqwest::Client::new().execute(request).await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        let problem: serde_json::Value = answer.json().await.unwrap();
        let expected = json!({
            "type": "urn:gatepost:reason:token-missing",
            "title": "Token missing",
            "status": 401,
            "detail": "this needs a bearer token",
            "reason": "TOKEN_MISSING",
        });
        assert_eq!(problem, expected);
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_authenticated() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let bob = world.person("bob", &["midaz-viewer-group"]).await;
    let gone = world.person("gone", &["midaz-viewer-group"]).await;
    let product = Product::start(&guard(&world)).await;
    for face in FACES {
        is(&product.call_as(face, GET, &alice.token).await, 200, "");
    }
    world.post(&alice, "/v1/logout", json!({})).await.is(204);
    let path = format!("/v1/users/{}", gone.id);
    world.delete(&world.admin, &path).await.is(204);
    for face in FACES {
        for token in [&alice.token, &gone.token] {
            let said = product.call_as(face, GET, token).await;
            // That her account is gone is nothing that who holds her token must know.
            is(&said, 401, ErrorReason::SessionEnded.name());
            tells_little(&said);
            let challenged = said.text.contains("error=\\\"invalid_token\\\"");
            assert_eq!(challenged, face == Face::Http, "{said:?}");
        }
    }
    world.pass(Duration::from_secs(3601)).await;
    for face in FACES {
        let said = product.call_as(face, GET, &bob.token).await;
        is(&said, 401, ErrorReason::TokenExpired.name());
    }
}

#[tokio::test]
async fn an_rpc_that_is_not_in_the_table_is_refused() {
    let world = World::start().await;
    let product = Product::start(&guard(&world)).await;
    let token = &world.admin.token;
    let said = product.call_as(Face::Grpc, UNLISTED, token).await;
    is(&said, 403, "PERMISSION_MISSING");
    let said = product.call(Face::Grpc, UNLISTED, &[]).await;
    is(&said, 403, "PERMISSION_MISSING");
}

#[tokio::test]
async fn a_guard_that_is_off_lets_everybody_pass_and_counts_them() {
    let off = |required: &'static str| {
        Guard::from_settings("midaz", move |name| match name {
            "PLUGIN_AUTH_ENABLED" => Some("false".to_owned()),
            "AUTH_REQUIRED" => Some(required.to_owned()),
            _ => None,
        })
    };
    assert!(matches!(off("true"), Err(SettingError::Off)));
    let guard = off("false").unwrap();
    assert!(!guard.is_on());
    let product = Product::start(&guard).await;
    for face in FACES {
        for path in [GET, DELETE, INSIDE] {
            let said = product.call(face, path, &[]).await;
            is(&said, 200, "");
            assert!(said.decision.is_null(), "nobody has decided: {said:?}");
        }
    }
    is(&product.call(Face::Grpc, UNLISTED, &[]).await, 200, "");
    assert_eq!(guard.unchecked(), 7);
}
