//! `ListJsonWebKeys`.

use jsonwebtoken::jwk::JwkSet;
use reqwest::Method;

use crate::world::{World, fields};

#[tokio::test]
async fn anybody_gets_the_public_keys_and_nothing_private() {
    let world = World::start().await;
    let request = world.request(Method::GET, "/.well-known/jwks.json");
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
