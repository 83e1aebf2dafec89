//! What an application learns of the person.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Party, code_of};
use crate::edge::browser::Browser;
use crate::world::{Answer, World};

async fn told(world: &World, token: &str) -> Answer {
    let request = world.request(Method::GET, "/oauth/userinfo");
    world.send(request.bearer_auth(token)).await
}

async fn tokens(world: &World, party: &Party, over: &[(&str, &str)]) -> Value {
    let mut browser = Browser::new(world);
    let code = code_of(&browser.walk(&party.asks(over), "alice").await);
    party.redeem(world, &code, &[]).await.is(200).clone()
}

#[tokio::test]
async fn what_is_told_is_what_the_scope_says() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let email = json!({"sub": alice.id, "email": "alice@example.com", "email_verified": false});
    let profile = json!({"sub": alice.id, "name": "Test alice", "preferred_username": "alice"});
    let by_name = json!({"userinfo": {"email": {"essential": true}, "phone": null}}).to_string();
    let one = json!({"sub": alice.id, "email": "alice@example.com"});
    for (over, expected) in [
        (vec![("scope", "openid")], &json!({"sub": alice.id})),
        (vec![("scope", "openid email")], &email),
        (vec![("scope", "profile openid")], &profile),
        (
            vec![("scope", "openid"), ("claims", by_name.as_str())],
            &one,
        ),
    ] {
        let tokens = tokens(&world, &party, &over).await;
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(told(&world, token).await.is(200), expected);
        let form = world.request(Method::POST, "/oauth/userinfo");
        let form = world.send(form.form(&[("access_token", token)])).await;
        assert_eq!(form.is(200), expected);
        let post = world
            .request(Method::POST, "/oauth/userinfo")
            .bearer_auth(token);
        assert_eq!(world.send(post).await.is(200), expected);
        // Asked for by name is asked for in one place.
        let id = crate::world::claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["email"] != Value::Null, over[0].1.contains("email"));
    }
    // A refresh keeps what was agreed.
    let bought = tokens(&world, &party, &[("claims", by_name.as_str())]).await;
    let next = party
        .refresh(&world, bought["refresh_token"].as_str().unwrap(), &[])
        .await;
    let token = next.is(200)["access_token"].as_str().unwrap();
    assert_eq!(told(&world, token).await.is(200), &one);
}

#[tokio::test]
async fn who_may_not_ask_is_told_how() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let without = tokens(&world, &party, &[("scope", "email")]).await;
    assert_eq!(without["id_token"], Value::Null);
    let tokens = tokens(&world, &party, &[]).await;
    let machine = world.machine("robot", &[]).await;
    for (token, status, error) in [
        ("x", 401, "invalid_token"),
        (tokens["id_token"].as_str().unwrap(), 401, "invalid_token"),
        (
            tokens["refresh_token"].as_str().unwrap(),
            401,
            "invalid_token",
        ),
        (&machine.token, 401, "invalid_token"),
        (
            without["access_token"].as_str().unwrap(),
            403,
            "insufficient_scope",
        ),
    ] {
        let answer = told(&world, token).await;
        assert_eq!(answer.is(status)["error"], error);
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.contains(&format!("error=\"{error}\"")),
            "{challenge}"
        );
    }
    let bare = world
        .send(world.request(Method::GET, "/oauth/userinfo"))
        .await;
    assert_eq!(bare.is(401), &Value::Null);
    assert_eq!(bare.header("www-authenticate"), "Bearer realm=\"gatepost\"");
    // In the address a token would end up in logs.
    let token = tokens["access_token"].as_str().unwrap();
    let path = format!("/oauth/userinfo?access_token={token}");
    world.send(world.request(Method::GET, &path)).await.is(401);
    let elsewhere = world.request(Method::GET, "/o/nobody/oauth/userinfo");
    world.send(elsewhere.bearer_auth(token)).await.is(401);
}
