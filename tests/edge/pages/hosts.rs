//! Who says in a header that we are somebody else is not believed, on any page.

use reqwest::Method;
use serde_json::json;

use super::super::browser::{Browser, Shown};
use super::super::openid::{Party, code_of};
use crate::world::{PUBLIC_URL, World};

/// What proxies and liars send.
const LIES: [(&str, &str); 6] = [
    ("host", "evil.test"),
    ("x-forwarded-host", "evil.test"),
    ("x-forwarded-server", "evil.test"),
    ("x-original-host", "evil.test"),
    ("forwarded", "host=evil.test;proto=http"),
    ("x-forwarded-proto", "http"),
];

async fn get_with(browser: &mut Browser<'_>, world: &World, path: &str) -> Vec<Shown> {
    let mut shown = Vec::new();
    for (name, value) in LIES {
        let request = world.request(Method::GET, path).header(name, value);
        shown.push(browser.send(request).await);
    }
    shown
}

#[track_caller]
fn says_nothing_of_it(shown: &Shown) {
    assert!(!shown.text.contains("evil.test"), "{}", shown.text);
    for (name, value) in &shown.headers {
        let value = value.to_str().unwrap();
        assert!(!value.contains("evil.test"), "{name}: {value}");
    }
}

#[tokio::test]
async fn a_host_header_does_not_poison_the_page_either() {
    let world = World::start_with(&[
        ("GATEPOST_MULTI_TENANT", "true"),
        ("GATEPOST_FORGOTTEN_PER_QUARTER_HOUR", "100"),
    ])
    .await;
    let bakery = world.organization("bakery").await;
    for (base, admin, who) in [("", &world.admin, "alice"), ("/o/bakery", &bakery, "ann")] {
        let path = format!("{base}/forgot-password");
        for (name, value) in LIES {
            // Somebody else each time: one person is mailed so many links in a quarter of an hour.
            let username = format!("{who}-{name}");
            world.person_of(admin, &username, &[]).await;
            let mut browser = Browser::new(&world);
            let page = browser.get(&path).await;
            let token = page.field("form_token");
            let fields = [
                ("form_token", token.as_str()),
                ("username", username.as_str()),
            ];
            let before = world.mails().count();
            let request = world.request(Method::POST, &path).form(&fields);
            let request = request.header("sec-fetch-site", "same-origin");
            let sent = browser.send(request.header(name, value)).await;
            assert_eq!(sent.status, 200, "{name}: {}", sent.text);
            says_nothing_of_it(&sent);
            let mail = world.mails().next(before).await;
            let link = format!("{PUBLIC_URL}{base}/reset-password?token=gpw_");
            assert!(mail.link().starts_with(&link), "{name}: {}", mail.link());
            assert!(!mail.text.contains("evil.test"), "{name}: {}", mail.text);
        }
        let mut browser = Browser::new(&world);
        for page in ["signin", "signout", "forgot-password", "change-password"] {
            let path = format!("{base}/{page}");
            for shown in get_with(&mut browser, &world, &path).await {
                says_nothing_of_it(&shown);
            }
        }
    }
}

#[tokio::test]
async fn a_host_header_moves_no_issuer() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ] {
        for shown in get_with(&mut browser, &world, path).await {
            let document: serde_json::Value = serde_json::from_str(&shown.text).unwrap();
            assert_eq!(document["issuer"], PUBLIC_URL);
            assert_eq!(
                document["token_endpoint"],
                format!("{PUBLIC_URL}/oauth/token")
            );
            says_nothing_of_it(&shown);
        }
    }
    for shown in get_with(&mut browser, &world, &party.asks(&[])).await {
        assert!(shown.location().starts_with("/signin?"));
        says_nothing_of_it(&shown);
    }
    browser.fill_in("/signin", "alice").await;
    for shown in get_with(&mut browser, &world, &party.asks(&[])).await {
        // Whose `iss` it asserts.
        let code = code_of(&shown);
        says_nothing_of_it(&shown);
        let bought = party.redeem(&world, &code, &[]).await;
        let id = crate::world::claims(bought.is(200)["id_token"].as_str().unwrap());
        assert_eq!(id["iss"], PUBLIC_URL);
    }
}
