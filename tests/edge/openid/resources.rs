//! Tokens that are for one thing only (RFC 8707).

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{Party, code_of, is_refused};
use crate::edge::browser::Browser;
use crate::world::{PUBLIC_URL, World, claims};

const ONE: &str = "https://one.test";
const TWO: &str = "https://two.test/api";

#[tokio::test]
async fn what_is_asked_for_is_all_that_a_token_is_for() {
    let world = World::start().await;
    world.person("alice", &["admin-group"]).await;
    let party = Party::new(&world, json!({"resources": [ONE, TWO, PUBLIC_URL]})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let path = format!("{}&resource={TWO}", party.asks(&[("resource", ONE)]));
    let code = code_of(&browser.get(&path).await);
    let bought = party.redeem(&world, &code, &[]).await;
    let (tokens, both) = (bought.is(200).clone(), json!([ONE, TWO]));
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&access)["aud"], both);
    assert_eq!(
        claims(tokens["id_token"].as_str().unwrap())["aud"],
        json!([party.client_id])
    );
    // A refresh narrows further, for this once, and never to what was not agreed.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let other = party
        .refresh(&world, refresh, &[("resource", PUBLIC_URL)])
        .await;
    is_refused(&other, "invalid_target");
    let next = party.refresh(&world, refresh, &[("resource", ONE)]).await;
    assert_eq!(
        claims(next.is(200)["access_token"].as_str().unwrap())["aud"],
        json!([ONE])
    );
    let refresh = next.body["refresh_token"].as_str().unwrap();
    let next = party.refresh(&world, refresh, &[]).await;
    assert_eq!(
        claims(next.is(200)["access_token"].as_str().unwrap())["aud"],
        both
    );
    // So does redeeming; and who named nothing before may name what the application may.
    let code = code_of(&browser.get(&path).await);
    let other = party
        .redeem(&world, &code, &[("resource", PUBLIC_URL)])
        .await;
    is_refused(&other, "invalid_target");
    let narrow = party.redeem(&world, &code, &[("resource", TWO)]).await;
    assert_eq!(
        claims(narrow.is(200)["access_token"].as_str().unwrap())["aud"],
        json!([TWO])
    );
    let code = code_of(&browser.get(&party.asks(&[])).await);
    let all = party.redeem(&world, &code, &[]).await;
    let all = all.is(200)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&all)["aud"], json!([PUBLIC_URL, party.client_id]));

    // A product may ask with it what she may do there, and nobody manages anything with it.
    let request = |path: &str, token: &str| world.request(Method::POST, path).bearer_auth(token);
    let ask = json!({"product": "gatepost", "resource": "users", "action": "post"});
    let decided = world
        .send(request("/v1/authorize", &access).json(&ask))
        .await;
    assert_eq!(decided.is(200)["authorized"], true);
    let group = json!({"name": "g"});
    let refused = world
        .send(request("/v1/groups", &access).json(&group))
        .await;
    refused.refuses(ErrorReason::TokenInvalid);
    for path in ["/v1/permissions", "/v1/userinfo", "/v1/users"] {
        let get = world.request(Method::GET, path).bearer_auth(&access);
        world.send(get).await.refuses(ErrorReason::TokenInvalid);
    }
    let about = json!({"token": all});
    let refused = request("/v1/login/oauth/introspect", &access).json(&about);
    world.send(refused).await.refuses(ErrorReason::TokenInvalid);
    world
        .send(request("/v1/groups", &all).json(&group))
        .await
        .is(201);
    let own = world
        .request(Method::GET, "/oauth/userinfo")
        .bearer_auth(&access);
    world.send(own).await.is(200);
}

#[tokio::test]
async fn a_machine_asks_for_what_it_may() {
    let world = World::start().await;
    let party = Party::new(&world, json!({"resources": [ONE]})).await;
    let own =
        |resource: &'static str| [("grant_type", "client_credentials"), ("resource", resource)];
    let bought = party.post(&world, &own(ONE)).await;
    let token = bought.is(200)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["aud"], json!([ONE]));
    is_refused(&party.post(&world, &own(TWO)).await, "invalid_target");
    let get = world
        .request(Method::GET, "/v1/permissions")
        .bearer_auth(&token);
    world.send(get).await.refuses(ErrorReason::TokenInvalid);
}
