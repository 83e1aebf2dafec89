//! `ListJsonWebKeys`.

use jsonwebtoken::jwk::JwkSet;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, World, fields};

const PATH: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn anybody_gets_the_public_keys_and_nothing_private() {
    let world = World::start().await;
    let request = world.request(Method::GET, PATH);
    let answer = world.send(request).await;
    let keys = answer.is(200)["keys"].as_array().unwrap();
    let mut shapes: Vec<String> = keys.iter().map(|key| fields(key).join(" ")).collect();
    shapes.sort_unstable();
    let expected = [
        "alg crv kid kty use x",
        "alg crv kid kty use x y",
        "alg e kid kty n use",
    ];
    assert_eq!(shapes, expected);
    let mut algorithms: Vec<&str> = keys
        .iter()
        .map(|key| key["alg"].as_str().unwrap())
        .collect();
    algorithms.sort_unstable();
    assert_eq!(algorithms, ["ES256", "EdDSA", "RS256"]);
    let kids: std::collections::BTreeSet<_> = keys.iter().map(|key| key["kid"].as_str()).collect();
    assert_eq!(kids.len(), 3, "each key has its own id");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    assert!(serde_json::from_value::<JwkSet>(answer.body).is_ok());
}

#[tokio::test]
async fn who_has_the_keys_gets_them_again_when_they_changed() {
    let world = World::start().await;
    let get = async |tag: &str| -> Answer {
        let request = world.request(Method::GET, PATH);
        world.send(request.header("if-none-match", tag)).await
    };
    let first = get("\"another\"").await;
    first.is(200);
    let tag = first.header("etag").to_owned();
    assert!(
        tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'),
        "{tag}"
    );
    let same = get(&tag).await;
    assert_eq!(same.is(304), &Value::Null);
    assert_eq!(same.header("etag"), tag);
    assert_eq!(same.header("cache-control"), "public, max-age=300");
    let path = "/v1/signing-keys:rotate";
    world.post(&world.admin, path, json!({})).await.is(200);
    let changed = get(&tag).await;
    let kids = |answer: &Answer| -> Vec<Value> {
        let keys = answer.is(200)["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].clone()).collect()
    };
    assert_ne!(changed.header("etag"), tag);
    let (before, after) = (kids(&first), kids(&changed));
    assert_eq!(
        (after.len(), &after[3..]),
        (6, &*before),
        "the newest first"
    );
    // What is nobody else's to keep has no tag.
    let own = world.get(&world.admin, "/v1/userinfo").await;
    assert_eq!(
        (own.header("etag"), own.header("cache-control")),
        ("", "no-store")
    );
}
