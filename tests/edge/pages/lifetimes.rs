//! How long a browser stays signed in.

use std::time::Duration;

use serde_json::json;

use super::super::browser::Browser;
use super::super::openid::{Party, code_of};
use super::is_signed_in;
use crate::world::World;

const SETTINGS: [(&str, &str); 2] = [
    ("GATEPOST_BROWSER_IDLE_SECONDS", "600"),
    ("GATEPOST_BROWSER_SESSION_SECONDS", "7200"),
];

/// Use keeps a browser signed in past the idle limit, and not past the absolute one.
#[tokio::test]
async fn a_browser_that_is_used_ends_all_the_same() {
    let world = World::start_with(&SETTINGS).await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let silent = party.asks(&[("prompt", "none")]);
    for _ in 0..14 {
        world.pass(Duration::from_secs(500)).await;
        code_of(&browser.get(&silent).await);
    }
    // 7000 seconds by now, and the last use is not long ago.
    world.pass(Duration::from_secs(190)).await;
    assert!(is_signed_in(&mut browser).await);
    world.pass(Duration::from_secs(11)).await;
    assert!(!is_signed_in(&mut browser).await);
    let back = browser.get(&silent).await;
    assert_eq!(back.told("error"), "login_required");
}

/// Only who signs in somewhere uses her browser's session: looking at our pages does not.
#[tokio::test]
async fn looking_at_our_pages_keeps_nobody_signed_in() {
    let world = World::start_with(&SETTINGS).await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    for _ in 0..2 {
        world.pass(Duration::from_secs(290)).await;
        assert!(is_signed_in(&mut browser).await);
        assert_eq!(browser.get("/change-password").await.status, 200);
        assert_eq!(browser.get("/signout").await.status, 200);
    }
    world.pass(Duration::from_secs(21)).await;
    assert!(!is_signed_in(&mut browser).await);
    let page = browser.get("/change-password").await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/signin"));
}
