//! What a token says, how it is signed, and which tokens are none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_proto::ErrorReason;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Answer, PUBLIC_URL, World, claims, fields, header};

async fn keys(world: &World) -> JwkSet {
    let answer = world
        .send(world.request(Method::GET, "/.well-known/jwks.json"))
        .await;
    serde_json::from_value(answer.body).unwrap()
}

/// Verifies a token as a product would: with the published key, and nothing else.
fn verify(keys: &JwkSet, token: &str, algorithm: Algorithm) -> Value {
    let head = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(head.alg, algorithm);
    let key = keys.find(&head.kid.unwrap()).expect("a published key");
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[PUBLIC_URL]);
    validation.set_audience(&[PUBLIC_URL]);
    let key = DecodingKey::from_jwk(key).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &validation)
        .unwrap()
        .claims
}

#[tokio::test]
async fn a_persons_token_says_who_she_is_as_clients_expect() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let verified = verify(&keys(&world).await, &alice.token, Algorithm::RS256);
    let info = world.get(&alice, "/v1/userinfo").await;
    let expected = json!({
        "iss": PUBLIC_URL, "aud": [PUBLIC_URL], "sub": alice.id,
        "iat": verified["iat"], "nbf": verified["iat"],
        "exp": verified["iat"].as_i64().unwrap() + 3600,
        "jti": verified["jti"], "sid": verified["sid"],
        "scope": "openid profile email", "rev": info.revision(),
        "acr": "urn:gatepost:acr:1", "amr": ["pwd"], "auth_time": verified["iat"],
        "type": "normal-user", "owner": "default", "name": "alice", "displayName": "Test alice",
        "tenantId": verified["tenantId"], "tenantSlug": "default",
    });
    assert_eq!(verified, expected);
    let head = header(&alice.token);
    assert_eq!(fields(&head), ["alg", "kid", "typ"]);
    assert_eq!(head["typ"], "at+jwt");
    let again = claims(&world.sign_in("alice").await.token);
    assert_ne!(again["jti"], verified["jti"]);
    assert_ne!(again["sid"], verified["sid"]);
}

#[tokio::test]
async fn a_machines_token_says_what_it_is_and_is_signed_as_it_chose() {
    let world = World::start().await;
    let keys = keys(&world).await;
    let client = world.anonymous().await;
    let mut kids = Vec::new();
    for (name, algorithm) in [
        ("RS256", Algorithm::RS256),
        ("ES256", Algorithm::ES256),
        ("EdDSA", Algorithm::EdDSA),
    ] {
        let body = json!({"name": format!("worker {name}"), "tokenAlgorithm": name});
        let made = application(&world, &world.admin, body).await;
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        let (id, secret) = (text("clientId"), text("clientSecret"));
        let token = client
            .client_token(&id, &secret)
            .await
            .unwrap()
            .access_token
            .unwrap();
        let verified = verify(&keys, &token, algorithm);
        let expected = json!({
            "iss": PUBLIC_URL, "aud": [PUBLIC_URL, id], "azp": id, "client_id": id,
            "sub": format!("default/{}", text("id")),
            "iat": verified["iat"], "nbf": verified["iat"],
            "exp": verified["iat"].as_i64().unwrap() + 3600,
            "jti": verified["jti"], "sid": verified["sid"], "rev": verified["rev"],
            "type": "application", "owner": "default",
            "name": text("name"), "displayName": text("name"),
            "tenantId": verified["tenantId"], "tenantSlug": "default",
        });
        assert_eq!(verified, expected);
        assert!(verified["rev"].as_u64().unwrap() > 0);
        // Its session is its credential: two tokens of one secret share it.
        let again = client
            .client_token(&id, &secret)
            .await
            .unwrap()
            .access_token
            .unwrap();
        assert_eq!(claims(&again)["sid"], verified["sid"]);
        kids.push(header(&token)["kid"].to_string());
    }
    kids.sort_unstable();
    kids.dedup();
    assert_eq!(kids.len(), 3, "each key has its own id");
}

#[tokio::test]
async fn an_id_token_is_for_the_client_that_asked() {
    let world = World::start().await;
    let made = application(
        &world,
        &world.admin,
        json!({"name": "console", "tokenAlgorithm": "ES256"}),
    )
    .await;
    let body = json!({
        "grantType": "password", "username": "admin", "password": crate::world::PASSWORD,
        "clientId": made["clientId"], "clientSecret": made["clientSecret"],
    });
    let path = "/v1/login/oauth/access_token";
    let answer = world.post_openly(path, body.clone()).await;
    let access = claims(answer.is(200)["accessToken"].as_str().unwrap());
    assert_eq!(access["aud"], json!([PUBLIC_URL, made["clientId"]]));
    assert_eq!(access["azp"], made["clientId"]);
    let id_token = answer.body["idToken"].as_str().unwrap();
    assert_eq!(header(id_token)["alg"], "ES256");
    let id = claims(id_token);
    assert_eq!(id["aud"], json!([made["clientId"]]));
    assert_eq!((&id["sub"], &id["sid"]), (&access["sub"], &access["sid"]));
    let mut narrow = body;
    narrow["scope"] = json!("profile");
    let answer = world.post_openly(path, narrow).await;
    assert_eq!(answer.is(200)["scope"], "profile");
    assert!(answer.body.get("idToken").is_none());
}

async fn with_authorization(world: &World, values: &[&str]) -> Answer {
    let mut request = world.request(Method::GET, "/v1/userinfo");
    for value in values {
        request = request.header("authorization", *value);
    }
    world.send(request).await
}

#[tokio::test]
async fn a_bearer_comes_with_or_without_its_scheme_and_alone() {
    let world = World::start().await;
    let token = &world.admin.token;
    for good in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        token.clone(),
    ] {
        with_authorization(&world, &[&good]).await.is(200);
    }
    let bearer = format!("Bearer {token}");
    for bad in [
        vec![format!("Basic {token}")],
        vec![format!("Token {token}")],
        vec!["Bearer".to_owned()],
        vec![bearer.clone(), bearer],
    ] {
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        with_authorization(&world, &bad)
            .await
            .refuses(ErrorReason::TokenInvalid);
    }
}

#[tokio::test]
async fn a_token_that_somebody_made_up_is_none() {
    let world = World::start().await;
    let [head, payload, signature] = world.admin.token.split('.').collect::<Vec<_>>()[..] else {
        panic!("a token has three parts");
    };
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut no_algorithm = header(&world.admin.token);
    no_algorithm["alg"] = json!("none");
    let mut symmetric = header(&world.admin.token);
    symmetric["alg"] = json!("HS256");
    let mut wrong_key = header(&world.admin.token);
    wrong_key["kid"] = json!("nobody's");
    let mut other_type = header(&world.admin.token);
    other_type["typ"] = json!("JWT");
    let mut other_subject = claims(&world.admin.token);
    other_subject["sub"] = json!(crate::world::NOBODY);
    for forged in [
        format!("{}.{payload}.", encode(&no_algorithm)),
        format!("{}.{payload}.{signature}", encode(&symmetric)),
        format!("{}.{payload}.{signature}", encode(&wrong_key)),
        format!("{}.{payload}.{signature}", encode(&other_type)),
        format!("{head}.{}.{signature}", encode(&other_subject)),
        format!("{head}.{payload}."),
        format!("{head}.{payload}"),
        "a.b.c".to_owned(),
        "x".repeat(20_000),
    ] {
        let answer = with_authorization(&world, &[&format!("Bearer {forged}")]).await;
        answer.refuses(ErrorReason::TokenInvalid);
        assert_eq!(answer.body["code"], "AUT-0007");
    }
}
