//! Forgotten and changed passwords.

use gatepost_proto::ErrorReason;
use serde_json::json;

use super::super::browser::{Browser, Shown};
use super::{is_guarded, is_signed_in};
use crate::world::{NEXT_PASSWORD, PASSWORD, PUBLIC_URL, World, claims};

const DEVICE: &str = "__Host-gatepost.known.device";

/// Fills in the form of a page.
async fn fill(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Shown {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let token = page.field("form_token");
    let mut all = vec![("form_token", token.as_str())];
    all.extend_from_slice(fields);
    browser.post(path, &all).await
}

/// The path of the link that somebody is mailed.
async fn link(world: &World, browser: &mut Browser<'_>, username: &str) -> String {
    let before = world.mails().count();
    let sent = fill(browser, "/forgot-password", &[("username", username)]).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    let mail = world.mails().next(before).await;
    mail.link().strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/signin").await;
    assert!(
        page.text.contains("href=\"/forgot-password\""),
        "{}",
        page.text
    );
    is_guarded(&browser.get("/forgot-password").await);
    let path = link(&world, &mut browser, "alice").await;
    // Whoever looks at the link does not use it up.
    for _ in 0..2 {
        let page = browser.get(&path).await;
        is_guarded(&page);
        assert!(page.text.contains("new-password"), "{}", page.text);
    }
    let weak = fill(&mut browser, &path, &[("new_password", "12345678")]).await;
    assert_eq!(weak.status, 422);
    assert!(weak.text.contains("cannot be used"), "{}", weak.text);
    let done = fill(&mut browser, &path, &[("new_password", NEXT_PASSWORD)]).await;
    is_guarded(&done);
    assert!(done.text.contains("signed out everywhere"), "{}", done.text);
    let spent = browser.get(&path).await;
    assert_eq!(spent.status, 403);
    assert!(spent.text.contains("used already"), "{}", spent.text);
    let client = world.anonymous().await;
    assert!(client.password_token("alice", NEXT_PASSWORD).await.is_ok());
}

#[tokio::test]
async fn the_page_says_the_same_whoever_is_asked_about() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    browser.language = "pt-BR";
    let mut shown = Vec::new();
    for username in ["alice", "nobody"] {
        let page = fill(&mut browser, "/forgot-password", &[("username", username)]).await;
        assert_eq!(page.status, 200);
        shown.push(page.text);
    }
    assert_eq!(shown[0], shown[1]);
    assert!(shown[0].contains("a caminho"), "{}", shown[0]);
    assert_eq!(world.mails().next(0).await.subject, "Defina uma nova senha");
    let none = fill(&mut browser, "/forgot-password", &[("username", " ")]).await;
    assert_eq!(none.status, 422);
}

#[tokio::test]
async fn forms_that_are_not_ours_set_no_password() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let path = link(&world, &mut browser, "alice").await;
    browser.fill_in("/signin", "alice").await;
    for (path, fields) in [
        ("/forgot-password", vec![("username", "alice")]),
        (path.as_str(), vec![("new_password", NEXT_PASSWORD)]),
        (
            "/change-password",
            vec![("old_password", PASSWORD), ("new_password", NEXT_PASSWORD)],
        ),
    ] {
        let forged = browser.post(path, &fields).await;
        assert_eq!(forged.status, 403, "{path}");
    }
    assert_eq!(world.mails().count(), 1);
    world.sign_in("alice").await;
}

#[tokio::test]
async fn one_changes_ones_own_password() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let stranger = browser.get("/change-password").await;
    assert_eq!(
        (stranger.status.as_u16(), stranger.location()),
        (303, "/signin")
    );
    browser.fill_in("/signin", "alice").await;
    is_guarded(&browser.get("/change-password").await);
    let path = "/change-password";
    let typed = |old, new| [("old_password", old), ("new_password", new)];
    let wrong = fill(&mut browser, path, &typed("wrong", NEXT_PASSWORD)).await;
    assert!(
        wrong.text.contains("present password is wrong"),
        "{}",
        wrong.text
    );
    let same = fill(&mut browser, path, &typed(PASSWORD, PASSWORD)).await;
    assert!(same.text.contains("cannot be used"), "{}", same.text);
    let none = fill(&mut browser, path, &typed(PASSWORD, "")).await;
    assert_eq!(none.status, 422);
    let done = fill(&mut browser, path, &typed(PASSWORD, NEXT_PASSWORD)).await;
    assert!(done.text.contains("other sessions ended"), "{}", done.text);
    let ended = world.get(&alice, "/v1/userinfo").await;
    ended.refuses(ErrorReason::SessionEnded);
    assert!(is_signed_in(&mut browser).await, "but she here is not");
    let client = world.anonymous().await;
    assert!(client.password_token("alice", NEXT_PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_browser_that_signed_in_before_is_known_again() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    let back = browser.fill_in("/signin", "alice").await;
    let cookies = back.headers.get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    let cookie = cookies.find(|cookie| cookie.starts_with(DEVICE)).unwrap();
    for flag in [
        "; HttpOnly",
        "; Secure",
        "; SameSite=Lax",
        "; Max-Age=15552000",
    ] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    // A stranger behind the same address guesses until she would have to wait.
    for _ in 0..6 {
        let mut stranger = Browser::new(&world);
        let page = stranger.get("/signin").await;
        let token = page.field("form_token");
        let fields = [
            ("form_token", token.as_str()),
            ("username", "alice"),
            ("password", "wrong"),
        ];
        stranger.post("/signin", &fields).await;
    }
    let mut stranger = Browser::new(&world);
    let slowed = stranger.fill_in("/signin", "alice").await;
    assert_eq!(slowed.status, 429, "{}", slowed.text);
    let mut again = Browser::new(&world);
    let device = browser.cookies[DEVICE].clone();
    again.cookies.insert(DEVICE.to_owned(), device);
    let owner = again.fill_in("/signin", "alice").await;
    assert_eq!(owner.status, 303, "{}", owner.text);
}

#[tokio::test]
async fn pages_honour_that_nobody_signs_in_with_a_password() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let path = format!(
        "/v1/organizations/{}",
        claims(&owner.token)["tenantId"].as_str().unwrap()
    );
    let off = json!({"passwordSignIn": false});
    world.patch(&world.admin, &path, off).await.is(200);
    let mut browser = Browser::new(&world);
    let page = browser.get("/o/bakery/signin").await;
    assert!(!page.text.contains("forgot-password"), "{}", page.text);
    for username in ["admin-of-bakery", "nobody"] {
        let refused = browser.fill_in("/o/bakery/signin", username).await;
        assert_eq!(refused.status, 403, "{username}: {}", refused.text);
        assert!(refused.text.contains("with a password"), "{}", refused.text);
    }
}

#[tokio::test]
async fn there_is_no_page_where_it_is_switched_off() {
    let world = World::start_with(&[("GATEPOST_FORGOT_PASSWORD", "false")]).await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/signin").await;
    assert!(!page.text.contains("forgot-password"), "{}", page.text);
    for path in ["/forgot-password", "/reset-password?token=gpw_x"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(
            page.text.contains("Ask your administrator"),
            "{}",
            page.text
        );
    }
}
