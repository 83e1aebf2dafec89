//! Signing in and out.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::json;

use super::super::browser::Browser;
use super::{is_guarded, is_signed_in};
use crate::world::{PASSWORD, World};

const COOKIE: &str = "__Host-gatepost.default";

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/signin").await;
    is_guarded(&page);
    assert!(page.text.contains("<title>Sign in"), "{}", page.text);
    let back = browser.fill_in("/signin", "alice").await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/signin"));
    let cookie = back.headers.get_all("set-cookie").iter();
    let mut cookie = cookie.map(|cookie| cookie.to_str().unwrap());
    let cookie = cookie.find(|cookie| cookie.starts_with(COOKIE)).unwrap();
    for flag in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(
        !cookie.contains("Domain") && !cookie.contains("Expires"),
        "{cookie}"
    );
    assert!(is_signed_in(&mut browser).await);
    let listed = world
        .get(&alice, &format!("/v1/users/{}/sessions", alice.id))
        .await;
    let listed = listed.is(200)["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2, "her token's, and the browser's");
    assert_eq!(listed[1]["methods"], json!(["pwd"]));

    let page = browser.get("/signout").await;
    is_guarded(&page);
    let token = page.field("form_token");
    let gone = browser.post("/signout", &[("form_token", &token)]).await;
    assert_eq!(gone.location(), "/signout");
    assert!(!browser.cookies.contains_key(COOKIE));
    let page = browser.get("/signout").await;
    assert!(page.text.contains("You are signed out"), "{}", page.text);
    assert!(!is_signed_in(&mut browser).await);
}

/// An old cookie must be worth nothing after signing in, out, or in again: who put it there, or
/// kept it, would be signed in, too (session fixation).
#[tokio::test]
async fn a_cookie_from_before_is_worth_nothing_after() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    world.person("bob", &[]).await;
    let mut browser = Browser::new(&world);
    browser
        .cookies
        .insert(COOKIE.to_owned(), "chosen-by-somebody".to_owned());
    let mut seen = vec!["chosen-by-somebody".to_owned()];
    for name in ["alice", "alice", "bob"] {
        browser.fill_in("/signin?continue=/signin", name).await;
        let cookie = browser.cookies[COOKIE].clone();
        assert!(!seen.contains(&cookie), "a new one each time");
        for old in &seen {
            let mut thief = Browser::new(&world);
            thief.cookies.insert(COOKIE.to_owned(), old.clone());
            assert!(!is_signed_in(&mut thief).await);
        }
        seen.push(cookie);
    }
    browser.cookies.remove(COOKIE);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_browser_is_signed_out_after_a_while() {
    let settings = [
        ("GATEPOST_BROWSER_IDLE_SECONDS", "600"),
        ("GATEPOST_BROWSER_SESSION_SECONDS", "7200"),
    ];
    let world = World::start_with(&settings).await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    world.pass(Duration::from_secs(590)).await;
    assert!(is_signed_in(&mut browser).await);
    world.pass(Duration::from_secs(11)).await;
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn who_is_suspended_or_changes_her_password_is_signed_out() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let path = format!("/v1/users/{}", alice.id);
    let suspend = json!({"status": "suspended"});
    world.patch(&world.admin, &path, suspend).await.is(204);
    assert!(!is_signed_in(&mut browser).await);
    let refused = browser.fill_in("/signin", "alice").await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.text.contains("This account is suspended"),
        "{}",
        refused.text
    );
    world
        .patch(&world.admin, &path, json!({"status": "active"}))
        .await
        .is(204);
    assert!(!is_signed_in(&mut browser).await);
    let alice = world.sign_in("alice").await;
    browser.fill_in("/signin", "alice").await;
    assert!(is_signed_in(&mut browser).await);
    let ended = world
        .get(&alice, &format!("/v1/users/{}/sessions", alice.id))
        .await;
    let ended = ended.is(200)["items"].as_array().unwrap().clone();
    let id = ended.last().unwrap()["id"].as_str().unwrap();
    world
        .delete(&alice, &format!("/v1/sessions/{id}"))
        .await
        .is(204);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn whatever_is_wrong_is_said_the_same_way() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut texts = Vec::new();
    for (username, password) in [("alice", "wrong"), ("nobody", PASSWORD)] {
        let mut browser = Browser::new(&world);
        let token = browser.get("/signin").await.field("form_token");
        let fields = [
            ("form_token", token.as_str()),
            ("username", username),
            ("password", password),
        ];
        let page = browser.post("/signin", &fields).await;
        is_guarded(&page);
        assert_eq!(page.status, 422);
        assert!(!browser.cookies.contains_key(COOKIE));
        let mut text = page.text.replace(&page.field("form_token"), "");
        // What a passkey is asked is another one each time.
        for (before, after) in [
            ("data-options=\"", '"'),
            ("name=\"ceremony\" value=\"", '"'),
        ] {
            let (head, tail) = text.split_once(before).expect("a passkey's form");
            let (_, tail) = tail.split_once(after).unwrap();
            text = format!("{head}{tail}");
        }
        texts.push(text.replace(username, ""));
    }
    assert_eq!(texts[0], texts[1]);
    assert!(texts[0].contains("role=\"alert\"") && texts[0].contains("href=\"#username\""));
    // The same counters as at the token endpoint.
    let mut browser = Browser::new(&world);
    let token = browser.get("/signin").await.field("form_token");
    let fields = [
        ("form_token", token.as_str()),
        ("username", "alice"),
        ("password", "wrong"),
    ];
    let mut last = browser.post("/signin", &fields).await;
    for _ in 0..10 {
        last = browser.post("/signin", &fields).await;
    }
    assert_eq!(last.status, ErrorReason::TooManyAttempts.http_status());
    assert!(!last.header("retry-after").is_empty());
}

#[tokio::test]
async fn an_organization_signs_in_its_own_people_in_its_own_colour() {
    let world = World::start_multi_tenant().await;
    let acme = world.organization("acme").await;
    world.person_of(&acme, "alice", &[]).await;
    let list = world.get(&world.admin, "/v1/organizations?limit=100").await;
    let list = list.is(200)["items"].as_array().unwrap().clone();
    let own = list.iter().find(|one| one["slug"] == "acme").unwrap();
    let path = format!("/v1/organizations/{}", own["id"].as_str().unwrap());
    let color = json!({"accentColor": "#FFD400", "name": "Acme <&> Sons"});
    let changed = world.patch(&world.admin, &path, color).await;
    assert_eq!(changed.is(200)["accentColor"], "#ffd400");
    for bad in ["red", "#12345", "#1234567", "#ggg000"] {
        let color = json!({"accentColor": bad});
        let refused = world.patch(&world.admin, &path, color).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    let mut browser = Browser::new(&world);
    let sheet = browser.get("/o/acme/pages/brand.css").await;
    assert_eq!(
        sheet.text,
        ":root { --accent: #ffd400; --on-accent: #000000; }\n"
    );
    let page = browser.get("/o/acme/signin").await;
    assert!(
        page.text.contains("Acme &#60;&#38;&#62; Sons"),
        "{}",
        page.text
    );
    // At the root it is another organization, which does not know her.
    assert_eq!(browser.fill_in("/signin", "alice").await.status, 422);
    assert_eq!(browser.fill_in("/o/acme/signin", "alice").await.status, 303);
    assert!(browser.cookies.contains_key("__Host-gatepost.acme"));
    assert!(
        browser
            .get("/o/acme/signin")
            .await
            .text
            .contains("Signed in as")
    );
    assert!(!is_signed_in(&mut browser).await);
    // Its cookie is no other organization's.
    let stolen = browser.cookies["__Host-gatepost.acme"].clone();
    browser.cookies.insert(COOKIE.to_owned(), stolen);
    assert!(!is_signed_in(&mut browser).await);

    let page = browser.get("/choose-organization").await;
    is_guarded(&page);
    let token = page.field("form_token");
    let choose = async |browser: &mut Browser<'_>, name: &str| {
        let fields = [("form_token", token.as_str()), ("organization", name)];
        browser.post("/choose-organization", &fields).await
    };
    assert_eq!(
        choose(&mut browser, " ACME ").await.location(),
        "/o/acme/signin"
    );
    for unknown in ["", "nobody", "../acme", "acme/../../x"] {
        assert_eq!(choose(&mut browser, unknown).await.status, 422, "{unknown}");
    }
    let nowhere = browser.get("/o/nobody/signin").await;
    assert_eq!(nowhere.status, 404);
    is_guarded(&nowhere);
}

#[tokio::test]
async fn pages_speak_english_and_portuguese() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    assert!(
        browser
            .get("/signin")
            .await
            .text
            .contains("<html lang=\"en\">")
    );
    browser.language = "pt-BR,pt;q=0.9,en;q=0.5";
    let page = browser.get("/signin").await;
    assert!(page.text.contains("<html lang=\"pt-BR\">"), "{}", page.text);
    assert!(page.text.contains("Senha"), "{}", page.text);
    browser.language = "de";
    assert!(browser.get("/signin").await.text.contains("Password"));
}
