//! Forms that others send, and links that others make.

use reqwest::Method;
use serde_json::json;

use super::super::browser::Browser;
use super::{is_guarded, is_signed_in};
use crate::identity::application;
use crate::world::{PASSWORD, World};

/// Who can make a browser send a form must not sign it in, not as herself either.
#[tokio::test]
async fn a_form_that_is_not_from_our_page_does_nothing() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let token = browser.get("/signin").await.field("form_token");
    let fields = |token: &'static str| {
        [
            ("form_token", token),
            ("username", "alice"),
            ("password", PASSWORD),
        ]
    };
    for wrong in ["", "x", "AAAA"] {
        let page = browser.post("/signin", &fields(wrong)).await;
        assert_eq!(page.status, 403);
        is_guarded(&page);
    }
    let good = [
        ("form_token", token.as_str()),
        ("username", "alice"),
        ("password", PASSWORD),
    ];
    // From another site, as browsers say it.
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("origin", "https://gatepost.test.evil.test"),
    ] {
        let request = world.request(Method::POST, "/signin").form(&good);
        let page = browser.send(request.header(name, value)).await;
        assert_eq!(page.status, 403, "{name}: {value}");
    }
    // With the token of another browser, or without the cookie that it was made for.
    let mut other = Browser::new(&world);
    other.get("/signin").await;
    assert_eq!(other.post("/signin", &good).await.status, 403);
    let mut bare = Browser::new(&world);
    assert_eq!(bare.post("/signin", &good).await.status, 403);
    assert!(!is_signed_in(&mut browser).await);
    assert_eq!(browser.post("/signin", &good).await.status, 303);
    // And who is signed in is not signed out by others, or with a form from before.
    for fields in [&good[..1], &[]] {
        assert_eq!(browser.post("/signout", fields).await.status, 403);
    }
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    browser.get("/signin").await;
    let json = world
        .request(Method::POST, "/signin")
        .json(&json!({"username": "alice"}));
    assert_eq!(browser.send(json).await.status, 400);
    let long = "a".repeat(80 << 10);
    let long = world
        .request(Method::POST, "/signin")
        .form(&[("username", long)]);
    assert_eq!(browser.send(long).await.status, 400);
    let token = browser.get("/signin").await.field("form_token");
    for (username, password) in [("", "x"), ("x", ""), ("  ", "x"), (&*"x".repeat(255), "x")] {
        let fields = [
            ("form_token", token.as_str()),
            ("username", username),
            ("password", password),
        ];
        assert_eq!(browser.post("/signin", &fields).await.status, 422);
    }
}

/// Who signs in goes on within the issuer, and nowhere else.
#[tokio::test]
async fn a_link_to_sign_in_leads_nowhere_else() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    for elsewhere in [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test/",
        "\\/evil.test",
        "/%09/evil.test",
        "/%0a%0dx",
        "javascript:alert(1)",
        "/signin%23@evil.test",
        "evil.test",
    ] {
        let mut browser = Browser::new(&world);
        let path = format!("/signin?continue={elsewhere}");
        let back = browser.fill_in(&path, "alice").await;
        assert_eq!(back.location(), "/signin", "{elsewhere}");
    }
    let mut browser = Browser::new(&world);
    let back = browser
        .fill_in("/signin?continue=%2Fsignout%3Fa%3Db", "alice")
        .await;
    assert_eq!(back.location(), "/signout?a=b");
}

#[tokio::test]
async fn what_others_write_is_text_and_nothing_else() {
    let world = World::start().await;
    let evil = "\"><script>alert(1)</script>";
    let made = application(
        &world,
        &world.admin,
        json!({"name": "<b>x</b>", "settings": {"redirectUris": ["https://app.test/cb"]}}),
    )
    .await;
    let mut browser = Browser::new(&world);
    let authorize = format!(
        "/oauth/authorize?client_id={}&redirect_uri=https://app.test/cb&login_hint={evil}",
        made["clientId"].as_str().unwrap()
    );
    let path: String = url::form_urlencoded::byte_serialize(authorize.as_bytes()).collect();
    let page = browser.get(&format!("/signin?continue={path}")).await;
    is_guarded(&page);
    assert!(
        !page.text.contains("<script>") && !page.text.contains("<b>"),
        "{}",
        page.text
    );
    let token = browser.get("/signin").await.field("form_token");
    let fields = [
        ("form_token", token.as_str()),
        ("username", evil),
        ("password", "x"),
    ];
    let page = browser.post("/signin", &fields).await;
    is_guarded(&page);
    assert!(!page.text.contains("<script>"), "{}", page.text);
}
