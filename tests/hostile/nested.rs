//! Tokens that are signed well and are no JSON Web Token of ours all the same: tokens in tokens,
//! encrypted ones, and what a reader could understand in two ways.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::bad_input::revision;
use crate::forge::{Keys, ask, assert_refused, taken_apart, with};
use crate::panics;
use crate::world::World;

/// Deeper than any reader goes, and still as short as a token may be.
const DEEP: usize = 2_000;

/// A token of these bytes, with a good signature.
fn signed(keys: &Keys, header: &str, content: &[u8]) -> String {
    let content = URL_SAFE_NO_PAD.encode(content);
    signed_as_it_is(keys, header, &content)
}

/// A token whose second part is this.
fn signed_as_it_is(keys: &Keys, header: &str, second: &str) -> String {
    let message = format!("{}.{second}", URL_SAFE_NO_PAD.encode(header));
    let (bytes, random) = (message.as_bytes(), SystemRandom::new());
    let mut signature = vec![0; keys.rsa.1.public_modulus_len()];
    let key = &keys.rsa.1;
    key.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature)
        .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A JSON object with one more member before or behind the others.
fn with_member(value: &Value, member: &str, is_first: bool) -> String {
    let text = value.to_string();
    let inside = text.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    if is_first {
        format!("{{{member},{inside}}}")
    } else {
        format!("{{{inside},{member}}}")
    }
}

#[tokio::test]
async fn a_token_in_a_token_is_none() {
    let (world, panics) = (World::start().await, panics::watch());
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    let plain = header.to_string();
    let good = signed(&keys, &plain, claims.to_string().as_bytes());
    assert_eq!(ask(&world, &good).await.status.as_u16(), 200);
    let before = revision(&world).await;
    let inner = world.admin.token.as_bytes();
    let nested = with(&header, "cty", json!("JWT")).to_string();
    let quoted = json!(world.admin.token).to_string();
    for (token, what) in [
        (signed(&keys, &nested, inner), "a token, named one"),
        (signed(&keys, &plain, inner), "a token"),
        (signed(&keys, &nested, quoted.as_bytes()), "a token as text"),
        (
            signed_as_it_is(&keys, &plain, &world.admin.token),
            "a token of five parts",
        ),
        (
            signed_as_it_is(&keys, &plain, &claims.to_string()),
            "claims as they are",
        ),
        (signed(&keys, &plain, b""), "nothing"),
        (signed(&keys, &plain, b"null"), "null"),
        (
            signed(&keys, &plain, json!([claims]).to_string().as_bytes()),
            "a list of claims",
        ),
        (
            signed(&keys, &plain, format!("{claims} {claims}").as_bytes()),
            "claims twice",
        ),
        (
            signed(&keys, &plain, format!("{claims}\0").as_bytes()),
            "claims and a zero",
        ),
    ] {
        assert_refused(&world, &token, "TOKEN_INVALID", what).await;
    }
    // JWE (RFC 7516), with a header that would have us decrypt it with a key of the sender's.
    for alg in ["dir", "RSA-OAEP", "A256KW", "PBES2-HS256+A128KW"] {
        let header = json!({
            "alg": alg, "enc": "A256GCM", "typ": "at+jwt", "cty": "JWT", "kid": keys.rsa.0,
            "p2c": 2_000_000_000, "p2s": "AAAA", "zip": "DEF",
        });
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let parts = [
            part(header.to_string().as_bytes()),
            part(&[1; 256]),
            part(&[2; 12]),
            part(inner),
            part(&[3; 16]),
        ];
        assert_refused(&world, &parts.join("."), "TOKEN_INVALID", alg).await;
    }
    assert_eq!(revision(&world).await, before);
    assert_eq!(panics::seen(), panics);
}

/// What is there twice could mean one thing to us, and another one to a product that reads it, too.
#[tokio::test]
async fn what_can_be_read_in_two_ways_is_not_read() {
    let (world, panics) = (World::start().await, panics::watch());
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    let said = claims.to_string();
    for member in [
        r#""alg":"none""#,
        r#""alg":"RS256""#,
        r#""typ":"JWT""#,
        r#""kid":"x""#,
    ] {
        for is_first in [true, false] {
            let header = with_member(&header, member, is_first);
            let token = signed(&keys, &header, said.as_bytes());
            assert_refused(&world, &token, "TOKEN_INVALID", member).await;
        }
    }
    for name in ["sub", "exp", "aud", "iss", "tenantId", "sid", "type"] {
        for is_first in [true, false] {
            let member = format!("\"{name}\":{}", claims[name]);
            let claims = with_member(&claims, &member, is_first);
            let token = signed(&keys, &header.to_string(), claims.as_bytes());
            assert_refused(&world, &token, "TOKEN_INVALID", &member).await;
        }
    }
    assert_eq!(panics::seen(), panics);
}

/// Nothing has to be understood but what we write ourselves (RFC 7515 §4.1.11).
#[tokio::test]
async fn what_must_be_understood_and_is_not_makes_a_token_worthless() {
    let world = World::start().await;
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    let said = claims.to_string();
    for critical in [
        json!(["exp"]),
        json!(["b64"]),
        json!(["alg"]),
        json!(["https://else.test/x"]),
        json!([]),
    ] {
        let mut header = with(&header, "crit", critical.clone());
        for name in ["b64", "exp", "https://else.test/x"] {
            header[name] = json!(true);
        }
        let token = signed(&keys, &header.to_string(), said.as_bytes());
        assert_refused(
            &world,
            &token,
            "TOKEN_INVALID",
            &format!("crit: {critical}"),
        )
        .await;
    }
    // RFC 7797: the content as it is, and signed like that.
    let mut unencoded = with(&header, "b64", json!(false));
    let token = signed_as_it_is(&keys, &unencoded.to_string(), &said.replace('.', ""));
    assert_refused(&world, &token, "TOKEN_INVALID", "b64").await;
    unencoded["crit"] = json!(["b64"]);
    let token = signed_as_it_is(&keys, &unencoded.to_string(), &said.replace('.', ""));
    assert_refused(&world, &token, "TOKEN_INVALID", "b64 and crit").await;
    // What is only named, and not critical, is skipped: `zip` means nothing in a signed token.
    let named = with(&header, "zip", json!("DEF"));
    let token = signed(&keys, &named.to_string(), said.as_bytes());
    assert_eq!(ask(&world, &token).await.status.as_u16(), 200);
}

#[tokio::test]
async fn depth_breaks_nothing() {
    let (world, panics) = (World::start().await, panics::watch());
    let keys = Keys::of(&world).await;
    let (header, claims) = taken_apart(&world.admin.token);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = DEEP / open.len();
        let deep = format!("\"deep\":{}1{}", open.repeat(depth), close.repeat(depth));
        let bare = open.repeat(depth);
        let wide = with_member(&header, &deep, false);
        for (header, content, what) in [
            (&header.to_string(), &bare, "bare claims"),
            (&wide, &claims.to_string(), "header"),
            (&bare, &claims.to_string(), "bare header"),
        ] {
            let token = signed(&keys, header, content.as_bytes());
            assert!(token.len() <= 8192, "{what}: {}", token.len());
            assert_refused(&world, &token, "TOKEN_INVALID", what).await;
        }
        // A claim that nobody knows is skipped, however deep it is.
        let known = with_member(&claims, &deep, false);
        let token = signed(&keys, &header.to_string(), known.as_bytes());
        assert_eq!(ask(&world, &token).await.status.as_u16(), 200);
    }
    assert_eq!(panics::seen(), panics);
}
