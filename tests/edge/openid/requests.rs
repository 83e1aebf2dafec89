//! What an application may ask of a person, and how.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Party, code_of, spoilt};
use crate::edge::browser::Browser;
use crate::world::{PUBLIC_URL, World, claims};

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let world = World::start().await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    for (name, value, error) in [
        ("request", "e30.e30.", "request_not_supported"),
        ("request_uri", "https://x.test", "request_uri_not_supported"),
        ("registration", "{}", "registration_not_supported"),
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        (
            "response_type",
            "code id_token",
            "unsupported_response_type",
        ),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "none consent", "invalid_request"),
        ("prompt", "none select_account", "invalid_request"),
        ("prompt", "create", "invalid_request"),
        ("max_age", "-1", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("claims", "[]", "invalid_request"),
        ("claims", "{", "invalid_request"),
        ("nonce", &"n".repeat(513), "invalid_request"),
        ("resource", "https://x.test", "invalid_target"),
        ("id_token_hint", "x.y.z", "invalid_request"),
    ] {
        let back = browser.get(&party.asks(&[(name, value)])).await;
        assert_eq!(back.told("error"), error, "{name}={value}");
        assert_eq!(back.told("state"), "s t&a");
        assert_eq!(back.told("iss"), PUBLIC_URL);
        assert_eq!(back.told("code"), "");
    }
    // What is unknown is skipped, also inside of `claims`.
    let over = [
        ("display", "page"),
        ("acr_values", "urn:x"),
        ("unheard_of", "1"),
        ("claims", r#"{"userinfo":{"x":null},"other":{}}"#),
    ];
    let back = browser.get(&party.asks(&over)).await;
    assert!(
        back.location().starts_with("/signin?"),
        "{}",
        back.location()
    );
}

/// A form from the application's own site brings no cookies along, so it is begun anew.
#[tokio::test]
async fn a_request_may_come_as_a_form() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let path = party.asks(&[("resource", ""), ("login_hint", "alice")]);
    let (_, query) = path.split_once('?').unwrap();
    let request = world
        .request(Method::POST, "/oauth/authorize")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(query.to_owned());
    let mut browser = Browser::new(&world);
    let again = browser.send(request).await;
    assert_eq!(again.status, 303);
    let to_sign_in = browser.get(again.location()).await;
    let page = browser.get(to_sign_in.location()).await;
    assert!(page.text.contains("value=\"alice\""), "{}", page.text);
    code_of(&browser.walk(again.location(), "alice").await);
}

#[tokio::test]
async fn nobody_is_asked_who_must_not_be() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    let silent = party.asks(&[("prompt", "none")]);
    assert_eq!(browser.get(&silent).await.told("error"), "login_required");
    browser.fill_in("/signin", "alice").await;
    code_of(&browser.get(&silent).await);
    world.pass(Duration::from_secs(30)).await;
    let recent = party.asks(&[("prompt", "none"), ("max_age", "29")]);
    assert_eq!(browser.get(&recent).await.told("error"), "login_required");
    code_of(
        &browser
            .get(&party.asks(&[("prompt", "none"), ("max_age", "3600")]))
            .await,
    );
    let third = Party::new(&world, json!({"asksConsent": true})).await;
    let silent = third.asks(&[("prompt", "none")]);
    assert_eq!(browser.get(&silent).await.told("error"), "consent_required");
}

#[tokio::test]
async fn who_must_sign_in_again_does() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    let first = code_of(&browser.walk(&party.asks(&[]), "alice").await);
    let first = party.redeem(&world, &first, &[]).await;
    let first = claims(first.is(200)["id_token"].as_str().unwrap());
    for over in [("prompt", "login"), ("max_age", "0"), ("max_age", "5")] {
        world.pass(Duration::from_secs(10)).await;
        let path = party.asks(&[over]);
        let shown = browser.get(&path).await;
        assert!(shown.location().starts_with("/signin?"), "{over:?}");
        // Coming back without having signed in is not enough.
        let page = browser.get(shown.location()).await;
        assert!(page.text.contains("name=\"password\""));
        let code = code_of(&browser.walk(&path, "alice").await);
        let bought = party.redeem(&world, &code, &[]).await;
        let next = claims(bought.is(200)["id_token"].as_str().unwrap());
        let later = next["auth_time"].as_i64().unwrap() - first["auth_time"].as_i64().unwrap();
        assert!(later >= 10, "{over:?}: {later}");
    }
}

/// Two factors are asked for by name, of who signed in with one.
#[tokio::test]
async fn a_stronger_sign_in_is_asked_for() {
    const STRONG: &str = "urn:gatepost:acr:2";
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let app = world.enrol(&alice).await;
    code_of(&browser.get(&party.asks(&[("prompt", "none")])).await);
    let strong = [("acr_values", STRONG), ("prompt", "none")];
    let back = browser.get(&party.asks(&strong)).await;
    assert_eq!(back.told("error"), "login_required");
    let to_sign_in = browser.get(&party.asks(&strong[..1])).await;
    let page = browser.fill_in(to_sign_in.location(), "alice").await;
    let (form, challenge) = (page.field("form_token"), page.field("mfa_token"));
    let passcode = world.passcode(&app.secret, 0);
    let fields = [
        ("form_token", form.as_str()),
        ("mfa_token", challenge.as_str()),
        ("code", passcode.as_str()),
    ];
    let back = browser.post(&page.action(), &fields).await;
    let code = code_of(&browser.get(back.location()).await);
    let bought = party.redeem(&world, &code, &[]).await;
    let id = claims(bought.is(200)["id_token"].as_str().unwrap());
    assert_eq!(id["acr"], STRONG);
    code_of(&browser.get(&party.asks(&strong)).await);
}

/// An application that expects somebody does not get somebody else.
#[tokio::test]
async fn a_hint_at_one_person_is_not_answered_with_another() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let bob = world.person("bob", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    let code = code_of(&browser.walk(&party.asks(&[]), "alice").await);
    let bought = party.redeem(&world, &code, &[]).await;
    let hint = bought.is(200)["id_token"].as_str().unwrap().to_owned();
    let expecting = party.asks(&[("id_token_hint", &hint), ("prompt", "none")]);
    code_of(&browser.get(&expecting).await);
    let claims = json!({"id_token": {"sub": {"value": bob.id}}}).to_string();
    let back = browser
        .get(&party.asks(&[("claims", &claims), ("prompt", "none")]))
        .await;
    assert_eq!(back.told("error"), "login_required");
    browser.fill_in("/signin?continue=/signin", "bob").await;
    assert_eq!(
        browser.get(&expecting).await.told("error"),
        "login_required"
    );
    // Who is asked for and signs in as somebody else is not asked for ever.
    let back = browser
        .walk(&party.asks(&[("id_token_hint", &hint)]), "bob")
        .await;
    assert_eq!(back.told("error"), "login_required");
    code_of(
        &browser
            .walk(&party.asks(&[("id_token_hint", &hint)]), "alice")
            .await,
    );
    let forged = spoilt(&hint);
    let back = browser
        .get(&party.asks(&[("id_token_hint", &forged)]))
        .await;
    assert_eq!(back.told("error"), "invalid_request");
}

#[tokio::test]
async fn a_person_is_asked_for_consent_and_may_say_no() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({"asksConsent": true})).await;
    let mut browser = Browser::new(&world);
    let path = party.asks(&[("scope", "openid email")]);
    let page = browser.walk(&path, "alice").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("your e-mail address"), "{}", page.text);
    assert!(!page.text.contains("your name"), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' https://app.test;"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let (action, token) = (page.action(), page.field("form_token"));
    let decide = async |browser: &mut Browser<'_>, token: &str, decision: &str| {
        let fields = [("form_token", token), ("decision", decision)];
        browser.post(&action, &fields).await
    };
    // Nobody else can say yes for her.
    assert_eq!(decide(&mut browser, "x", "allow").await.status, 403);
    let request = world.request(Method::POST, &action);
    let request = request.header("sec-fetch-site", "cross-site");
    let sent = request.form(&[("form_token", token.as_str()), ("decision", "allow")]);
    assert_eq!(browser.send(sent).await.status, 403);
    let back = decide(&mut browser, &token, "deny").await;
    assert_eq!(
        (back.told("error"), back.told("iss")),
        ("access_denied".into(), PUBLIC_URL.into())
    );
    let code = code_of(&decide(&mut browser, &token, "allow").await);
    party.redeem(&world, &code, &[]).await.is(200);
    // She is not asked twice for the same, but for more.
    code_of(&browser.get(&path).await);
    let less = browser.get(&party.asks(&[])).await;
    code_of(&less);
    let more = browser
        .get(&party.asks(&[("scope", "openid email profile")]))
        .await;
    assert_eq!(more.status, 200);
    let named = json!({"userinfo": {"name": null}}).to_string();
    let more = browser.get(&party.asks(&[("claims", &named)])).await;
    assert!(more.text.contains("your name"), "{}", more.text);
    let asked = browser.get(&party.asks(&[("prompt", "consent")])).await;
    assert_eq!(asked.status, 200);
}

/// Both kinds of metadata say the same, and nothing that is not so.
#[tokio::test]
async fn the_metadata_is_true() {
    let world = World::start_multi_tenant().await;
    world.organization("acme").await;
    let get = async |path: &str| {
        world
            .send(world.request(Method::GET, path))
            .await
            .is(200)
            .clone()
    };
    let root = get("/.well-known/openid-configuration").await;
    assert_eq!(root, get("/.well-known/oauth-authorization-server").await);
    let acme = get("/o/acme/.well-known/openid-configuration").await;
    assert_eq!(
        acme,
        get("/.well-known/oauth-authorization-server/o/acme").await
    );
    assert_eq!(
        acme["authorization_endpoint"],
        format!("{PUBLIC_URL}/o/acme/oauth/authorize")
    );
    assert_eq!(acme["jwks_uri"], root["jwks_uri"]);
    for member in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert!(root[member] != Value::Null, "{member} is required");
    }
    assert_eq!(root["response_types_supported"], json!(["code"]));
    assert_eq!(root["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(root["authorization_response_iss_parameter_supported"], true);
}
