//! A browser that somebody else left signed in.

use std::time::Duration;

use gatepost_proto::ErrorReason;

use super::super::browser::{Browser, Shown};
use super::is_signed_in;
use crate::world::{NEXT_PASSWORD, PASSWORD, World};

const PATH: &str = "/change-password";

async fn change(browser: &mut Browser<'_>, old: &str) -> Shown {
    let token = browser.get(PATH).await.field("form_token");
    let fields = [
        ("form_token", token.as_str()),
        ("old_password", old),
        ("new_password", NEXT_PASSWORD),
    ];
    browser.post(PATH, &fields).await
}

/// Who finds one and guesses the present password is slowed like who signs in, and the owner's
/// session elsewhere is none of it.
#[tokio::test]
async fn whoever_guesses_the_present_password_is_slowed() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let mut wrong = 0;
    let slowed = loop {
        let page = change(&mut browser, "a wrong guess").await;
        if page.status != 422 {
            break page;
        }
        wrong += 1;
        assert!(wrong < 20, "nobody is slowed");
    };
    assert!(wrong >= 5, "{wrong}");
    assert_eq!(slowed.status, ErrorReason::TooManyAttempts.http_status());
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() >= 1);
    // Not even the right one helps now, and nothing was changed.
    let right = change(&mut browser, PASSWORD).await;
    assert_eq!(right.status, ErrorReason::TooManyAttempts.http_status());
    assert!(is_signed_in(&mut browser).await);
    world.pass(Duration::from_mins(16)).await;
    world.sign_in("alice").await;
    let done = change(&mut browser, PASSWORD).await;
    assert!(done.text.contains("other sessions ended"), "{}", done.text);
}
