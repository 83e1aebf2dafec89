//! No form of any page is taken from elsewhere. Which forms there are is read from where the paths
//! are, so that none can be forgotten.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::super::browser::Browser;
use super::super::openid::Party;
use super::{is_guarded, is_signed_in};
use crate::servers::repository_root;
use crate::world::{NEXT_PASSWORD, PASSWORD, PUBLIC_URL, World};

/// What takes a `POST` and is no form of a page of ours: clients of others send there, or browsers
/// that are only sent on.
const FOR_OTHERS: [&str; 6] = [
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/authorize",
    "/oauth/userinfo",
    "/oauth/end_session",
];

/// The forms of our pages, and what somebody would send with one.
fn forms() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    vec![
        (
            "/signin",
            vec![("username", "alice"), ("password", PASSWORD)],
        ),
        (
            "/signin/second-factor",
            vec![("mfa_token", "gpm_x"), ("code", "000000")],
        ),
        (
            "/signin/passkey",
            vec![("ceremony", "x"), ("credential", "{}")],
        ),
        ("/passkeys", vec![("do", "remove"), ("id", "x")]),
        ("/forgot-password", vec![("username", "alice")]),
        ("/reset-password", vec![("new_password", NEXT_PASSWORD)]),
        (
            "/change-password",
            vec![("old_password", PASSWORD), ("new_password", NEXT_PASSWORD)],
        ),
        ("/choose-organization", vec![("organization", "default")]),
        ("/oauth/consent", vec![("decision", "allow")]),
        ("/oauth/select", vec![("account", "go_on")]),
        ("/sessions", vec![("end", "others")]),
        ("/oauth/end_session/confirm", vec![]),
        ("/signout", vec![]),
    ]
}

/// Every path that takes a `POST`.
fn posts() -> BTreeSet<String> {
    let mut posts = BTreeSet::new();
    for file in ["services/edge/pages.rs", "services/edge/oauth.rs"] {
        let text = std::fs::read_to_string(repository_root().join(file)).unwrap();
        for route in text.split(".route(").skip(1) {
            let (_, rest) = route.split_once('"').unwrap();
            let (path, handlers) = rest.split_once('"').unwrap();
            // Up to what comes after the routes.
            let handlers = handlers.split(';').next().unwrap();
            if handlers.contains("post(") {
                posts.insert(path.replace("{prefix}", ""));
            }
        }
    }
    posts
}

#[test]
fn every_form_is_known_here() {
    let known = forms().into_iter().map(|(path, _)| path);
    let known: BTreeSet<String> = known.chain(FOR_OTHERS).map(str::to_owned).collect();
    assert_eq!(
        posts(),
        known,
        "what takes a form is listed here, and so tried"
    );
}

/// Ways to send somebody's browser's own form from elsewhere, or as somebody else's.
fn forgeries(
    world: &World,
    path: &str,
    fields: &[(&str, &str)],
    good: &str,
) -> Vec<RequestBuilder> {
    let send = |token: Option<&str>| {
        let token = token.map(|token| ("form_token", token));
        let all: Vec<_> = token.into_iter().chain(fields.iter().copied()).collect();
        world.request(Method::POST, path).form(&all)
    };
    let ours = |request: RequestBuilder| {
        let request = request.header("sec-fetch-site", "same-origin");
        request.header("origin", PUBLIC_URL)
    };
    let mut forged = vec![
        ours(send(None)),
        ours(send(Some(""))),
        ours(send(Some("x"))),
        ours(send(good.get(1..))),
    ];
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("origin", "https://gatepost.test.evil.test"),
        ("origin", "http://gatepost.test"),
    ] {
        forged.push(send(Some(good)).header(name, value));
    }
    forged
}

#[tokio::test]
async fn no_form_of_any_page_is_taken_from_elsewhere() {
    let world = World::start_multi_tenant().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::new(&world, json!({"asksConsent": true})).await;
    let link = world.reset_token("alice").await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let good = browser.get("/change-password").await.field("form_token");
    let mut other = Browser::new(&world);
    other.fill_in("/signin", "alice").await;
    let others = other.get("/change-password").await.field("form_token");
    let asks = party.asks(&[]);
    let (_, query) = asks.split_once('?').unwrap();
    let full = |path: &str| match path {
        "/reset-password" => format!("{path}?token={link}"),
        "/oauth/consent" | "/oauth/select" => format!("{path}?{query}"),
        _ => path.to_owned(),
    };
    let full = &full;
    let revision = world
        .get(&world.admin, "/v1/users?limit=1")
        .await
        .revision();
    let mails = world.mails().count();
    for (path, fields) in forms() {
        let path = full(path);
        let mut tried = 0;
        for request in forgeries(&world, &path, &fields, &good) {
            let page = browser.send(request).await;
            assert_eq!(page.status, 403, "{path} {tried}: {}", page.text);
            is_guarded(&page);
            tried += 1;
        }
        assert_eq!(tried, 10);
        needs_its_own_browser(&world, &browser, (&path, &fields), [&good, &others]).await;
    }
    let after = world
        .get(&world.admin, "/v1/users?limit=1")
        .await
        .revision();
    assert_eq!(after, revision, "nothing was written");
    assert_eq!(world.mails().count(), mails);
    assert!(is_signed_in(&mut browser).await);
    world.get(&alice, "/v1/userinfo").await.is(200);
    world.sign_in("alice").await;
    are_taken_from_our_pages(&mut browser, full).await;
    let client = world.anonymous().await;
    assert!(client.password_token("alice", NEXT_PASSWORD).await.is_ok());
}

/// The token of another browser, of her own even, is none here; nor is one without the cookies that
/// it is made for.
async fn needs_its_own_browser(
    world: &World,
    browser: &Browser<'_>,
    (path, fields): (&str, &[(&str, &str)]),
    [good, others]: [&str; 2],
) {
    let with = |token: &str| {
        let all = [&[("form_token", token)], fields].concat();
        world.request(Method::POST, path).form(&all)
    };
    let form = "__Host-gatepost.form";
    let mut same = Browser::new(world);
    same.cookies = browser.cookies.clone();
    assert_eq!(same.send(with(others)).await.status, 403, "{path}");
    let mut bare = Browser::new(world);
    assert_eq!(bare.send(with(good)).await.status, 403, "{path}");
    let key = browser.cookies[form].clone();
    bare.cookies.insert(form.to_owned(), key);
    let alone = bare.send(with(good)).await;
    assert_eq!(alone.status, 403, "{path} without her session");
}

/// All of them are taken from our own pages.
async fn are_taken_from_our_pages(browser: &mut Browser<'_>, full: &impl Fn(&str) -> String) {
    for (path, fields) in forms() {
        let signed_in = is_signed_in(browser).await;
        if !signed_in {
            let password = if path == "/signin" {
                PASSWORD
            } else {
                NEXT_PASSWORD
            };
            let token = browser.get("/signin").await.field("form_token");
            let fields = [
                ("form_token", token.as_str()),
                ("username", "alice"),
                ("password", password),
            ];
            assert_eq!(browser.post("/signin", &fields).await.status, 303);
        }
        let token = browser.get("/signout").await.field("form_token");
        let all = [&[("form_token", token.as_str())], &fields[..]].concat();
        let page = browser.post(&full(path), &all).await;
        assert_ne!(page.status, 403, "{path}: {}", page.text);
        assert!(page.status.as_u16() < 500, "{path}: {}", page.text);
    }
}
