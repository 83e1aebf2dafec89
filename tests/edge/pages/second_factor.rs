//! The second factor between the password and the browser's session.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::super::browser::{Browser, Shown};
use super::{is_guarded, is_signed_in};
use crate::world::World;

const PATH: &str = "/signin/second-factor";

/// Sends the form of a page that asks for the code.
async fn enter(browser: &mut Browser<'_>, page: &Shown, code: &str) -> Shown {
    let (form, challenge) = (page.field("form_token"), page.field("mfa_token"));
    let fields = [
        ("form_token", form.as_str()),
        ("mfa_token", challenge.as_str()),
        ("code", code),
    ];
    browser.post(&page.action(), &fields).await
}

#[tokio::test]
async fn nobody_is_signed_in_before_the_second_factor() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin?continue=/signin", "alice").await;
    assert_eq!(page.status, 200, "{}", page.text);
    is_guarded(&page);
    assert!(page.text.contains("<title>One more step"), "{}", page.text);
    assert!(page.action().starts_with(PATH));
    assert!(!is_signed_in(&mut browser).await);
    let wrong = enter(&mut browser, &page, "000000").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("The code is wrong"), "{}", wrong.text);
    let empty = enter(&mut browser, &wrong, " ").await;
    assert_eq!(empty.status, 422);
    assert!(!is_signed_in(&mut browser).await);
    let code = world.passcode(&app.secret, 0);
    let spaced = {
        let (first, last) = code.split_at(3);
        format!("{first} {last}")
    };
    let back = enter(&mut browser, &page, &spaced).await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/signin"));
    assert!(is_signed_in(&mut browser).await);
    let listed = world
        .get(&alice, &format!("/v1/users/{}/sessions", alice.id))
        .await;
    let listed = listed.is(200)["items"].as_array().unwrap().clone();
    assert_eq!(listed[1]["methods"], json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn a_recovery_code_lets_in_and_a_challenge_ends() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin", "alice").await;
    let back = enter(&mut browser, &page, &app.recovery_codes[0].to_lowercase()).await;
    assert_eq!(back.status, 303, "{}", back.text);
    let mut other = Browser::new(&world);
    let page = other.fill_in("/signin", "alice").await;
    world.pass(Duration::from_secs(301)).await;
    let late = enter(&mut other, &page, &app.recovery_codes[1]).await;
    assert_eq!(late.status, 422);
    assert!(late.text.contains("That took too long"), "{}", late.text);
    assert!(!is_signed_in(&mut other).await);
}

#[tokio::test]
async fn a_form_that_is_not_ours_is_refused() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin", "alice").await;
    let challenge = page.field("mfa_token");
    let code = world.passcode(&app.secret, 0);
    let fields = [("mfa_token", challenge.as_str()), ("code", code.as_str())];
    let forged = browser.post(PATH, &fields).await;
    assert_eq!(forged.status, 403);
    let token = page.field("form_token");
    let fields = [
        ("form_token", token.as_str()),
        ("mfa_token", challenge.as_str()),
        ("code", code.as_str()),
    ];
    let elsewhere = world.request(Method::POST, PATH).form(&fields);
    let elsewhere = elsewhere.header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(elsewhere).await.status, 403);
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn who_must_have_one_sets_it_up_on_the_way() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let policy = json!({"mode": "required", "methods": ["app"]});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin", "alice").await;
    assert!(
        page.text.contains("Set up a second factor"),
        "{}",
        page.text
    );
    is_guarded(&page);
    let picture = "<svg class=\"picture\"";
    assert!(page.text.contains(picture), "{}", page.text);
    let (_, secret) = page.text.split_once("aria-labelledby=\"key\">").unwrap();
    let secret = secret.split('<').next().unwrap();
    assert_eq!(page.text.matches("<li><code>").count(), 10);
    assert!(!is_signed_in(&mut browser).await);
    let code = world.passcode(secret, 0);
    let back = enter(&mut browser, &page, &code).await;
    assert_eq!(back.status, 303, "{}", back.text);
    assert!(is_signed_in(&mut browser).await);
}
