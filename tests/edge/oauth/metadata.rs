//! What an issuer says of itself (RFC 8414).

use reqwest::Method;

use crate::world::{PUBLIC_URL, World};

const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

#[tokio::test]
async fn every_address_that_is_told_is_there() {
    let world = World::start_multi_tenant().await;
    world.organization("acme").await;
    for (path, issuer) in [
        (WELL_KNOWN.to_owned(), PUBLIC_URL.to_owned()),
        (
            format!("{WELL_KNOWN}/o/acme"),
            format!("{PUBLIC_URL}/o/acme"),
        ),
        (
            format!("/o/acme{WELL_KNOWN}"),
            format!("{PUBLIC_URL}/o/acme"),
        ),
    ] {
        let told = world.send(world.request(Method::GET, &path)).await;
        assert_eq!(told.is(200)["issuer"], issuer);
        assert_eq!(told.header("cache-control"), "public, max-age=3600");
        let document = told.body.as_object().unwrap();
        for (name, address) in document {
            if let Some(rest) = address
                .as_str()
                .and_then(|text| text.strip_prefix(PUBLIC_URL))
                && name != "issuer"
            {
                let method = if name == "jwks_uri" {
                    Method::GET
                } else {
                    Method::POST
                };
                let answer = world.send(world.request(method, rest)).await;
                assert!(
                    [200, 303, 401].contains(&answer.status.as_u16()),
                    "{name}: {}",
                    answer.status
                );
            }
        }
        let grants = document["grant_types_supported"].as_array().unwrap();
        assert!(grants.iter().all(|grant| grant != "password"));
    }
}

#[tokio::test]
async fn an_issuer_that_is_none_says_nothing() {
    let world = World::start_multi_tenant().await;
    for path in [
        format!("{WELL_KNOWN}/o/nobody"),
        format!("/o/nobody{WELL_KNOWN}"),
        "/o/nobody/.well-known/openid-configuration".to_owned(),
    ] {
        let told = world.send(world.request(Method::GET, &path)).await;
        told.is(404);
    }
}
