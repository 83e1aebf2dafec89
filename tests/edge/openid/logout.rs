//! Signing out because an application asks for it.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{Party, code_of};
use crate::edge::browser::Browser;
use crate::world::World;

const AFTER: &str = "https://app.test/after";

/// Somebody who is signed in with a browser and in an application: that, the browser, her ID token
/// and access token.
async fn signed_in(world: &World) -> (Party, Browser<'_>, String, String) {
    world.person("alice", &[]).await;
    let party = Party::new(world, json!({"postLogoutRedirectUris": [AFTER]})).await;
    let mut browser = Browser::new(world);
    let code = code_of(&browser.walk(&party.asks(&[]), "alice").await);
    let bought = party.redeem(world, &code, &[]).await;
    let text = |name: &str| bought.is(200)[name].as_str().unwrap().to_owned();
    let tokens = (text("id_token"), text("access_token"));
    (party, browser, tokens.0, tokens.1)
}

async fn is_alive(world: &World, token: &str) -> bool {
    let request = world.request(Method::GET, "/oauth/userinfo");
    world.send(request.bearer_auth(token)).await.status == 200
}

#[tokio::test]
async fn with_a_hint_she_is_signed_out_at_once() {
    let world = World::start().await;
    let (party, mut browser, id_token, access) = signed_in(&world).await;
    let other = Party::new(&world, json!({"resources": ["https://x.test"]})).await;
    let code = code_of(&browser.get(&other.asks(&[])).await);
    let beside = other.redeem(&world, &code, &[]).await;
    let beside = beside.is(200)["access_token"].as_str().unwrap().to_owned();
    let path = format!(
        "/oauth/end_session?id_token_hint={id_token}&client_id={}&state=s%201\
         &post_logout_redirect_uri={AFTER}",
        party.client_id
    );
    let back = browser.get(&path).await;
    assert_eq!(back.location(), format!("{AFTER}?state=s+1"));
    assert!(!is_alive(&world, &access).await && !is_alive(&world, &beside).await);
    let silent = party.asks(&[("prompt", "none")]);
    assert_eq!(browser.get(&silent).await.told("error"), "login_required");
    // Once more is no error.
    assert_eq!(browser.get(&path).await.status, 303);
}

/// From a browser that has forgotten her, the application's own session ends.
#[tokio::test]
async fn a_hint_from_elsewhere_ends_the_session_that_it_is_of() {
    let world = World::start().await;
    let (_, mut browser, id_token, access) = signed_in(&world).await;
    let path = format!("/oauth/end_session?id_token_hint={id_token}");
    let page = Browser::new(&world).get(&path).await;
    assert!(page.text.contains("You are signed out"), "{}", page.text);
    assert!(!is_alive(&world, &access).await);
    assert!(browser.get("/signin").await.text.contains("Signed in as"));
}

/// Anybody can send a browser to the endpoint; only she can say that she wants it.
#[tokio::test]
async fn without_a_hint_of_this_browser_she_is_asked() {
    let world = World::start().await;
    let (party, mut browser, _, access) = signed_in(&world).await;
    let elsewhere = {
        let mut other = Browser::new(&world);
        let code = code_of(&other.walk(&party.asks(&[]), "alice").await);
        let bought = party.redeem(&world, &code, &[]).await;
        bought.is(200)["id_token"].as_str().unwrap().to_owned()
    };
    let with_client = format!(
        "/oauth/end_session?client_id={}&post_logout_redirect_uri={AFTER}",
        party.client_id
    );
    for path in [
        "/oauth/end_session".to_owned(),
        format!("/oauth/end_session?id_token_hint={elsewhere}"),
        "/oauth/end_session?id_token_hint=x".to_owned(),
        with_client.clone(),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains("Sign out?"), "{}", page.text);
        assert!(is_alive(&world, &access).await);
    }
    let page = browser.get(&with_client).await;
    let (action, token) = (page.action(), page.field("form_token"));
    assert_eq!(
        browser.post(&action, &[("form_token", "x")]).await.status,
        403
    );
    assert!(is_alive(&world, &access).await);
    let back = browser.post(&action, &[("form_token", &token)]).await;
    assert_eq!(back.location(), AFTER);
    assert!(!is_alive(&world, &access).await);
    // A form of another site is begun anew, as at the authorization endpoint.
    let request = world.request(Method::POST, "/oauth/end_session");
    let again = browser
        .send(request.form(&[("client_id", &party.client_id)]))
        .await;
    let page = browser.get(again.location()).await;
    assert!(page.text.contains("You are signed out"), "{}", page.text);
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let world = World::start().await;
    let (party, mut browser, id_token, access) = signed_in(&world).await;
    let other = Party::new(&world, json!({"resources": ["https://x.test"]})).await;
    let path = |client: &str, hint: &str, address: &str| {
        format!(
            "/oauth/end_session?client_id={client}&id_token_hint={hint}\
             &post_logout_redirect_uri={address}"
        )
    };
    for (client, hint, address) in [
        (
            party.client_id.as_str(),
            id_token.as_str(),
            "https://evil.test/",
        ),
        (&party.client_id, &id_token, "https://app.test/after/"),
        (&party.client_id, &id_token, "https://app.test/cb"),
        (&other.client_id, &id_token, AFTER),
        (&other.client_id, "", AFTER),
        ("", "", AFTER),
        ("nobody", "", AFTER),
    ] {
        let page = browser.get(&path(client, hint, address)).await;
        assert_eq!(page.status, 400, "{client} {address}");
        assert!(page.headers.get("location").is_none());
        assert!(is_alive(&world, &access).await, "nothing was done");
    }
}

/// Whatever ends the browser's session ends what began in it.
#[tokio::test]
async fn an_administrator_ends_all_of_a_browser() {
    let world = World::start().await;
    let (_, mut browser, _, access) = signed_in(&world).await;
    let alice = world.sign_in("alice").await;
    let listed = world
        .get(&alice, &format!("/v1/users/{}/sessions", alice.id))
        .await;
    let listed = listed.is(200)["items"].as_array().unwrap().clone();
    for session in listed
        .iter()
        .filter(|one| one["applicationId"] == "" && one["current"] != true)
    {
        let path = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
        world.delete(&alice, &path).await.is(204);
    }
    let request = world
        .request(Method::GET, "/v1/userinfo")
        .bearer_auth(&access);
    world.send(request).await.refuses(ErrorReason::SessionEnded);
    assert!(!browser.get("/signin").await.text.contains("Signed in as"));
}
