//! Tokens that are not what they say.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::forge::{Keys, ask, assert_refused, part, sign_rsa, taken_apart, with, without};
use crate::panics;
use crate::wire::{head, raw};
use crate::world::{PUBLIC_URL, World};

const NOBODY: &str = "0198a9e2-0000-7000-8000-0000000000ab";

/// `value` with this in place of its `key`; without the key when it is null.
fn spoilt(value: &Value, key: &str, new: &Value) -> Value {
    if new.is_null() {
        without(value, key)
    } else {
        with(value, key, new.clone())
    }
}

#[tokio::test]
async fn a_token_that_is_signed_well_and_claims_the_wrong_thing_is_refused() {
    let (world, panics) = (World::start().await, panics::watch());
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    let good = keys.rs256(&header, &claims);
    assert_eq!(ask(&world, &good).await.status.as_u16(), 200);
    let now = claims["iat"].as_i64().unwrap();
    for (key, value, reason) in [
        ("exp", json!(now - 1), "TOKEN_EXPIRED"),
        ("exp", json!(i64::MIN), "TOKEN_EXPIRED"),
        ("exp", json!("never"), "TOKEN_INVALID"),
        ("exp", json!(1e300), "TOKEN_INVALID"),
        ("exp", Value::Null, "TOKEN_INVALID"),
        // Issued when tokens were given a longer life than they are now.
        ("iat", json!(now - 4000), "TOKEN_EXPIRED"),
        ("nbf", json!(now + 3600), "TOKEN_INVALID"),
        ("iss", json!("https://evil.test"), "TOKEN_INVALID"),
        ("iss", Value::Null, "TOKEN_INVALID"),
        ("aud", json!([]), "TOKEN_INVALID"),
        ("aud", json!("https://evil.test"), "TOKEN_INVALID"),
        ("aud", Value::Null, "TOKEN_INVALID"),
        ("type", json!("root"), "TOKEN_INVALID"),
        ("type", json!("application"), "TOKEN_INVALID"),
        ("type", Value::Null, "TOKEN_INVALID"),
        ("tenantId", json!("' OR 1=1 --"), "TOKEN_INVALID"),
        ("tenantId", json!(NOBODY), "ORGANIZATION_GONE"),
        ("tenantId", Value::Null, "TOKEN_INVALID"),
        ("sub", json!(NOBODY), "USER_GONE"),
        ("sub", json!("admin"), "TOKEN_INVALID"),
        ("sid", Value::Null, "TOKEN_INVALID"),
    ] {
        let token = keys.rs256(&header, &spoilt(&claims, key, &value));
        assert_refused(&world, &token, reason, &format!("{key}: {value}")).await;
    }
    assert_eq!(panics::seen(), panics);
}

/// A token that was asked for another audience tells who asks, and manages nothing.
#[tokio::test]
async fn a_token_for_somebody_else_manages_nothing() {
    let world = World::start().await;
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    let half = PUBLIC_URL.split_at(10).0;
    for aud in [
        json!(["https://evil.test"]),
        json!([half]),
        json!(["", half]),
    ] {
        let token = keys.rs256(&header, &spoilt(&claims, "aud", &aud));
        let question = json!({"product": "gatepost", "resource": "users", "action": "get"});
        let ask = world
            .request(Method::POST, "/v1/authorize")
            .bearer_auth(&token);
        assert_eq!(
            world.send(ask.json(&question)).await.is(200)["authorized"],
            true
        );
        for path in [
            "/v1/users",
            "/v1/userinfo",
            "/v1/audit-events",
            "/v1/applications",
        ] {
            let get = world.request(Method::GET, path).bearer_auth(&token);
            world.send(get).await.refuses(ErrorReason::TokenInvalid);
        }
    }
}

#[tokio::test]
async fn a_token_with_the_wrong_header_is_refused() {
    let (world, panics) = (World::start().await, panics::watch());
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    for (key, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("logout+jwt")),
        ("typ", json!(7)),
        ("typ", Value::Null),
        ("kid", json!(NOBODY)),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("../../dev/null")),
        ("kid", json!(keys.ec.0)),
        ("kid", json!(keys.ed.0)),
        ("kid", json!("")),
        ("kid", Value::Null),
        ("alg", Value::Null),
    ] {
        let token = keys.rs256(&spoilt(&header, key, &value), &claims);
        assert_refused(&world, &token, "TOKEN_INVALID", &format!("{key}: {value}")).await;
    }
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn a_revision_from_the_future_is_no_decision() {
    let world = World::start().await;
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    let answer = ask(
        &world,
        &keys.rs256(&header, &with(&claims, "rev", u64::MAX.into())),
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (503, "REVISION_AHEAD")
    );
}

#[tokio::test]
async fn keys_that_come_with_the_token_are_not_looked_at() {
    let world = World::start().await;
    let (header, claims) = taken_apart(&world.admin.token);
    let mine = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&mine);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({
        "kty": "RSA", "alg": "RS256", "kid": header["kid"],
        "n": text(public.modulus().big_endian_without_leading_zero()),
        "e": text(public.exponent().big_endian_without_leading_zero()),
    });
    let url = format!("http://{}/.well-known/jwks.json", world.address);
    for (key, value) in [
        ("jwk", jwk),
        ("jku", url.clone().into()),
        ("x5u", url.into()),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("none", Value::Null),
    ] {
        let token = sign_rsa(&mine, &with(&header, key, value), &claims);
        assert_refused(&world, &token, "TOKEN_INVALID", key).await;
    }
}

#[tokio::test]
async fn the_header_does_not_choose_the_algorithm() {
    let world = World::start().await;
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    for alg in [
        "none", "None", "NONE", "nOnE", "", "HS256", "RS512", "PS256", "ES256", "EdDSA",
    ] {
        let header = with(&header, "alg", alg.into());
        let message = format!("{}.{}", part(&header), part(&claims));
        for token in [
            format!("{message}."),
            message.clone(),
            keys.rs256(&header, &claims),
        ] {
            assert_refused(&world, &token, "TOKEN_INVALID", alg).await;
        }
    }
    // The public key, which everybody has, as the secret of an HMAC.
    let set = world
        .send(world.request(Method::GET, "/.well-known/jwks.json"))
        .await
        .body;
    let jwk = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["alg"] == "RS256")
        .unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let der = aws_lc_rs::signature::KeyPair::public_key(&keys.rsa.1)
        .as_ref()
        .to_vec();
    for secret in [modulus, der, jwk.to_string().into_bytes(), Vec::new()] {
        let header = with(&header, "alg", "HS256".into());
        let message = format!("{}.{}", part(&header), part(&claims));
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &secret),
            message.as_bytes(),
        );
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_refused(&world, &token, "TOKEN_INVALID", "HS256").await;
    }
}

#[tokio::test]
async fn each_key_signs_in_its_own_way_and_only_so() {
    let world = World::start().await;
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    let header = with(
        &with(&header, "alg", "ES256".into()),
        "kid",
        keys.ec.0.clone().into(),
    );
    let message = format!("{}.{}", part(&header), part(&claims));
    let signature = keys
        .ec
        .1
        .sign(&SystemRandom::new(), message.as_bytes())
        .unwrap();
    let good = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert_eq!(ask(&world, &good).await.status.as_u16(), 200);
    let signature = URL_SAFE_NO_PAD.encode(keys.ed.1.sign(message.as_bytes()));
    assert_refused(
        &world,
        &format!("{message}.{signature}"),
        "TOKEN_INVALID",
        "Ed as EC",
    )
    .await;
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    assert_refused(
        &world,
        &format!("{message}.{zeros}"),
        "TOKEN_INVALID",
        "psychic",
    )
    .await;
}

#[tokio::test]
async fn a_token_is_good_as_a_whole_only() {
    let (world, panics) = (World::start().await, panics::watch());
    let token = &world.admin.token;
    let (header, claims) = taken_apart(token);
    let signature = token.rsplit('.').next().unwrap();
    for (key, value) in [
        ("sub", json!("0198a9e2-0000-7000-8000-0000000000ab")),
        ("name", json!("root")),
        ("exp", json!(i64::MAX)),
        ("tenantSlug", json!("system")),
        ("scope", json!("admin")),
    ] {
        let altered = format!(
            "{}.{}.{signature}",
            part(&header),
            part(&with(&claims, key, value))
        );
        assert_refused(&world, &altered, "TOKEN_INVALID", key).await;
    }
    let (front, _) = token.rsplit_once('.').unwrap();
    let flipped = format!("{front}.{}", URL_SAFE_NO_PAD.encode([1; 256]));
    let cut = token.split_at(token.len() - 4).0;
    let twice = format!("{token}.{signature}");
    let padded = format!("{token}==");
    let oversize = format!("{front}.{}", "A".repeat(9000));
    let long = "x".repeat(8000);
    for bad in [
        &flipped, cut, &twice, &padded, &oversize, &long, "a.b.c", "...", ".", "\u{e9}",
    ] {
        let header = format!("authorization: Bearer {bad}");
        let (status, _, body) = raw(&world, &head("GET", b"/v1/userinfo", &[&header])).await;
        let what: String = bad.chars().take(20).collect();
        assert_eq!(
            (status, &body["reason"]),
            (401, &json!("TOKEN_INVALID")),
            "{what}: {body}"
        );
    }
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn only_an_access_token_of_this_installation_is_one() {
    let world = World::start().await;
    let other = World::start().await;
    assert_refused(
        &world,
        &other.admin.token,
        "TOKEN_INVALID",
        "another installation",
    )
    .await;
    let body = json!({
        "grantType": "password", "username": "admin", "password": crate::world::PASSWORD,
    });
    let request = world
        .request(Method::POST, "/v1/login/oauth/access_token")
        .json(&body);
    let tokens = world.send(request).await.body;
    let (id, refresh) = (&tokens["idToken"], &tokens["refreshToken"]);
    assert_refused(&world, id.as_str().unwrap(), "TOKEN_INVALID", "an ID token").await;
    assert_refused(
        &world,
        refresh.as_str().unwrap(),
        "TOKEN_INVALID",
        "a refresh token",
    )
    .await;
    // And nothing else refreshes.
    for wrong in [
        id,
        &tokens["accessToken"],
        &json!("gpr_"),
        &json!("' OR 1=1 --"),
    ] {
        let request = world.request(Method::POST, "/v1/login/oauth/refresh_token");
        let answer = world
            .send(request.json(&json!({"refreshToken": wrong})))
            .await;
        let length = wrong.as_str().unwrap().len();
        let expected = if length > 512 {
            "INVALID_REQUEST"
        } else {
            "REFRESH_TOKEN_INVALID"
        };
        assert_eq!(answer.reason(), expected, "{}", answer.body);
    }
    let request = world.request(Method::POST, "/v1/logout");
    let hint = json!({"id_token_hint": other.admin.token});
    let answer = world.send(request.json(&hint)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (401, "TOKEN_INVALID")
    );
}
