//! Applications are told of sessions that end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Party, code_of};
use crate::edge::browser::Browser;
use crate::servers::free_port;
use crate::world::{PUBLIC_URL, World, claims, header};

/// What an application was told, and how often it says that it cannot listen.
#[derive(Clone, Default)]
pub(super) struct Ear(Arc<Mutex<(Vec<String>, u32)>>);

impl Ear {
    pub(super) async fn open(port: u16, deaf: u32) -> Self {
        let ear = Self(Arc::new(Mutex::new((Vec::new(), deaf))));
        let router = Router::new()
            .route("/logout", post(hear))
            .with_state(ear.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
            .await
            .unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        ear
    }

    /// So many tokens, once they are there.
    pub(super) async fn heard(&self, count: usize) -> Vec<String> {
        for _ in 0..200 {
            let heard = self.0.lock().unwrap().0.clone();
            if heard.len() >= count {
                assert_eq!(heard.len(), count);
                return heard;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it was not told");
    }
}

async fn hear(State(ear): State<Ear>, body: String) -> StatusCode {
    let mut ear = ear.0.lock().unwrap();
    if ear.1 > 0 {
        ear.1 -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let mut pairs = form_urlencoded::parse(body.as_bytes());
    let (name, token) = pairs.next().unwrap();
    assert_eq!((name.as_ref(), pairs.next()), ("logout_token", None));
    ear.0.push(token.into_owned());
    StatusCode::OK
}

/// A world that may tell an application on this port, and the application.
async fn told_at(port: u16) -> (World, Party) {
    let origin = format!("http://127.0.0.1:{port}");
    let settings = [("GATEPOST_OUTBOUND_ALLOWED_ORIGINS", origin.as_str())];
    let world = World::start_with(&settings).await;
    let address = format!("{origin}/logout");
    let party = Party::new(&world, json!({"backchannelLogoutUri": address})).await;
    (world, party)
}

async fn bought(world: &World, party: &Party, browser: &mut Browser<'_>) -> Value {
    let code = code_of(&browser.walk(&party.asks(&[("nonce", "n")]), "alice").await);
    party.redeem(world, &code, &[]).await.is(200).clone()
}

async fn sign_out(browser: &mut Browser<'_>) {
    let token = browser.get("/signout").await.field("form_token");
    let back = browser.post("/signout", &[("form_token", &token)]).await;
    assert_eq!(back.status, 303);
}

#[tokio::test]
async fn an_application_is_told_when_a_browser_signs_out() {
    let port = free_port();
    let (world, party) = told_at(port).await;
    // The first tries fail, and are made again.
    let ear = Ear::open(port, 1).await;
    let alice = world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let tokens = bought(&world, &party, &mut browser).await;
    let sid = claims(tokens["access_token"].as_str().unwrap())["sid"].clone();
    sign_out(&mut browser).await;
    let heard = ear.heard(1).await;
    let token = &heard[0];
    assert_eq!(header(token)["typ"], "logout+jwt");
    let said = claims(token);
    assert_eq!(
        (&said["iss"], &said["aud"]),
        (&json!(PUBLIC_URL), &json!(party.client_id))
    );
    assert_eq!((&said["sub"], &said["sid"]), (&json!(alice.id), &sid));
    let event = "http://schemas.openid.net/event/backchannel-logout";
    assert_eq!(said["events"], json!({event: {}}));
    assert_eq!(said["nonce"], Value::Null);
    let iat = said["iat"].as_i64().unwrap();
    assert!((1..=120).contains(&(said["exp"].as_i64().unwrap() - iat)));
    let keys = world
        .send(world.request(reqwest::Method::GET, "/.well-known/jwks.json"))
        .await;
    let keys: JwkSet = serde_json::from_value(keys.is(200).clone()).unwrap();
    let kid = header(token)["kid"].as_str().unwrap().to_owned();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&[&party.client_id]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
    // It is good for nothing else.
    for path in ["/oauth/userinfo", "/v1/userinfo", "/v1/permissions"] {
        let request = world.request(reqwest::Method::GET, path).bearer_auth(token);
        world.send(request).await.is(401);
    }
    let hint = format!("/oauth/end_session?id_token_hint={token}");
    browser.fill_in("/signin", "alice").await;
    assert!(browser.get(&hint).await.text.contains("Sign out?"));
}

/// Whoever ends it: the application itself, an administrator, a thief's reuse.
#[tokio::test]
async fn an_application_is_told_whoever_ends_a_session() {
    let port = free_port();
    let (world, party) = told_at(port).await;
    let ear = Ear::open(port, 0).await;
    let alice = world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let one = bought(&world, &party, &mut browser).await;
    let refresh = one["refresh_token"].as_str().unwrap();
    let request = world.request(reqwest::Method::POST, "/oauth/revoke");
    let request = request.basic_auth(&party.client_id, party.secret.as_ref());
    world
        .send(request.form(&[("token", refresh)]))
        .await
        .is(200);
    ear.heard(1).await;
    let two = bought(&world, &party, &mut browser).await;
    let sid = claims(two["access_token"].as_str().unwrap())["sid"].clone();
    let path = format!("/v1/sessions/{}", sid.as_str().unwrap());
    world.delete(&alice, &path).await.is(204);
    assert_eq!(claims(&ear.heard(2).await[1])["sid"], sid);
    let three = bought(&world, &party, &mut browser).await;
    let first = three["refresh_token"].as_str().unwrap();
    party.refresh(&world, first, &[]).await.is(200);
    world.pass(Duration::from_mins(1)).await;
    party.refresh(&world, first, &[]).await.is(400);
    ear.heard(3).await;
}

/// Who is suspended or deleted can use no session any more, and what is open elsewhere must know.
#[tokio::test]
async fn an_application_is_told_when_a_user_is_suspended_or_goes() {
    let port = free_port();
    let (world, party) = told_at(port).await;
    let ear = Ear::open(port, 0).await;
    let alice = world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let sid = async |browser: &mut Browser<'_>| {
        let tokens = bought(&world, &party, browser).await;
        claims(tokens["access_token"].as_str().unwrap())["sid"].clone()
    };
    let (one, two) = (sid(&mut browser).await, sid(&mut browser).await);
    let path = format!("/v1/users/{}", alice.id);
    let suspended = json!({"status": "suspended"});
    world
        .patch(&world.admin, &path, suspended.clone())
        .await
        .is(204);
    let heard = ear.heard(2).await;
    let told: Vec<_> = heard
        .iter()
        .map(|token| claims(token)["sid"].clone())
        .collect();
    assert!(told.contains(&one) && told.contains(&two), "{told:?}");
    // What changes nothing tells nothing.
    world.patch(&world.admin, &path, suspended).await.is(204);
    let active = json!({"status": "active", "firstName": "A"});
    world.patch(&world.admin, &path, active).await.is(204);
    // Her browser was signed out with all the rest.
    let three = sid(&mut browser).await;
    world.delete(&world.admin, &path).await.is(204);
    let heard = ear.heard(3).await;
    assert!(heard.iter().any(|token| claims(token)["sid"] == three));
}

/// An organization's administrator chooses the address, so it must not lead inside.
#[tokio::test]
async fn nobody_is_told_at_an_address_inside() {
    let (port, other) = (free_port(), free_port());
    let (world, _) = told_at(port).await;
    let ear = Ear::open(other, 0).await;
    world.person("alice", &[]).await;
    let address = format!("http://127.0.0.1:{other}/logout");
    let party = Party::new(&world, json!({"backchannelLogoutUri": address})).await;
    let mut browser = Browser::new(&world);
    bought(&world, &party, &mut browser).await;
    sign_out(&mut browser).await;
    // Closing waits until everything that waits was told, or given up.
    world.close().await;
    assert_eq!(ear.0.lock().unwrap().0.len(), 0);
}
