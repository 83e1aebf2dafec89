//! A browser that showed its second factor is not asked for it for a while.

use std::time::Duration;

use serde_json::json;

use super::super::browser::{Browser, Shown};
use super::super::openid::{Party, code_of};
use crate::world::{World, claims};

const COOKIE: &str = "gatepost.remembered.";

/// Signs in with the second factor; the browser is to be remembered.
async fn sign_in(browser: &mut Browser<'_>, code: &str) -> Shown {
    let page = browser.fill_in("/signin", "alice").await;
    let offer = "name=\"remember_device\"";
    assert!(page.text.contains(offer), "{}", page.text);
    let (form, challenge) = (page.field("form_token"), page.field("mfa_token"));
    let fields = [
        ("form_token", form.as_str()),
        ("mfa_token", challenge.as_str()),
        ("code", code),
        ("remember_device", "yes"),
    ];
    let back = browser.post(&page.action(), &fields).await;
    assert_eq!(back.status, 303, "{}", back.text);
    back
}

/// A browser that has what this one is remembered by, and nothing else.
fn remembered<'a>(world: &'a World, browser: &Browser<'_>) -> Browser<'a> {
    let mut other = Browser::new(world);
    let mut cookies = browser.cookies.iter();
    let (name, value) = cookies.find(|(name, _)| name.contains(COOKIE)).unwrap();
    other.cookies.insert(name.clone(), value.clone());
    other
}

#[tokio::test]
async fn a_remembered_browser_is_not_asked_for_a_while() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let mut browser = Browser::new(&world);
    let back = sign_in(&mut browser, &world.passcode(&app.secret, 0)).await;
    let cookies = back.headers.get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    let cookie = cookies.find(|cookie| cookie.contains(COOKIE)).unwrap();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for flag in [
        "; HttpOnly",
        "; Secure",
        "; SameSite=Lax",
        "; Path=/",
        "; Max-Age=2592000",
    ] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    let again = remembered(&world, &browser)
        .fill_in("/signin", "alice")
        .await;
    assert_eq!(again.status, 303, "{}", again.text);
    // It proves nothing for anybody else.
    let bob = world.person("bob", &[]).await;
    world.enrol(&bob).await;
    let other = remembered(&world, &browser).fill_in("/signin", "bob").await;
    assert!(other.text.contains("One more step"), "{}", other.text);
    world.pass(Duration::from_hours(30 * 24 + 1)).await;
    let late = remembered(&world, &browser)
        .fill_in("/signin", "alice")
        .await;
    assert!(late.text.contains("One more step"), "{}", late.text);
}

/// It spares the question, and is no factor: whoever asks for two gets two.
#[tokio::test]
async fn a_remembered_browser_has_one_factor() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let mut browser = Browser::new(&world);
    sign_in(&mut browser, &world.passcode(&app.secret, 0)).await;
    let party = Party::new(&world, json!({})).await;
    let asks = party.asks(&[("acr_values", "urn:gatepost:acr:2")]);
    let mut strong = remembered(&world, &browser);
    let to = strong.get(&asks).await.location().to_owned();
    let asked = strong.fill_in(&to, "alice").await;
    assert!(asked.text.contains("One more step"), "{}", asked.text);
    let mut weak = remembered(&world, &browser);
    let code = code_of(&weak.walk(&party.asks(&[]), "alice").await);
    let bought = party.redeem(&world, &code, &[]).await;
    let token = claims(bought.is(200)["access_token"].as_str().unwrap());
    assert_eq!(token["acr"], "urn:gatepost:acr:1");
}

#[tokio::test]
async fn nothing_is_offered_where_nothing_is_remembered() {
    let world = World::start_with(&[("GATEPOST_MFA_REMEMBER_DAYS", "0")]).await;
    let alice = world.person("alice", &[]).await;
    world.enrol(&alice).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin", "alice").await;
    assert!(page.text.contains("One more step"), "{}", page.text);
    assert!(!page.text.contains("remember_device"), "{}", page.text);
}

/// Who shows her second factor begins anew: what failed before does not slow her.
#[tokio::test]
async fn a_second_factor_on_the_page_forgets_what_failed() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    for code in app.recovery_codes.iter().take(3) {
        for _ in 0..2 {
            let challenge = world.challenge("alice").await;
            for _ in 0..4 {
                world.meet(&challenge, "passcode", "000000").await;
            }
        }
        sign_in(&mut Browser::new(&world), code).await;
    }
}
