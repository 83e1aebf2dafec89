//! `prompt=select_account`: as who is signed in, or as somebody else.

use serde_json::json;

use super::{Party, code_of};
use crate::edge::browser::{Browser, Shown};
use crate::world::{World, claims};

async fn choose(browser: &mut Browser<'_>, page: &Shown, account: &str) -> Shown {
    let token = page.field("form_token");
    let fields = [("form_token", token.as_str()), ("account", account)];
    browser.post(&page.action(), &fields).await
}

#[tokio::test]
async fn one_goes_on_or_signs_in_as_somebody_else() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let bob = world.person("bob", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    let path = party.asks(&[("prompt", "select_account"), ("nonce", "n")]);
    // There is nobody to select.
    let first = browser.get(&path).await;
    assert!(
        first.location().starts_with("/signin?"),
        "{}",
        first.location()
    );
    let back = browser.fill_in(first.location(), "alice").await;
    code_of(&browser.get(back.location()).await);
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Continue as alice"), "{}", page.text);
    super::super::pages::is_guarded(&page);
    let on = choose(&mut browser, &page, "go_on").await;
    let code = code_of(&browser.get(on.location()).await);
    let bought = party.redeem(&world, &code, &[]).await;
    let id = claims(bought.is(200)["id_token"].as_str().unwrap());
    assert_eq!((&id["sub"], &id["nonce"]), (&json!(alice.id), &json!("n")));
    let page = browser.get(&path).await;
    let other = choose(&mut browser, &page, "other").await;
    assert!(
        other.location().starts_with("/signin?"),
        "{}",
        other.location()
    );
    let back = browser.fill_in(other.location(), "bob").await;
    let code = code_of(&browser.get(back.location()).await);
    let bought = party.redeem(&world, &code, &[]).await;
    let id = claims(bought.is(200)["id_token"].as_str().unwrap());
    assert_eq!(id["sub"], bob.id);
}

#[tokio::test]
async fn nobody_else_chooses_and_other_wishes_stay() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let path = party.asks(&[("prompt", "select_account consent")]);
    let page = browser.get(&path).await;
    for fields in [
        vec![("account", "go_on")],
        vec![("form_token", "x"), ("account", "go_on")],
    ] {
        let forged = browser.post(&page.action(), &fields).await;
        assert_eq!(forged.status, 403);
    }
    let on = choose(&mut browser, &page, "go_on").await;
    let consent = browser.get(on.location()).await;
    assert!(consent.text.contains("Allow access?"), "{}", consent.text);
    let unregistered = page.action().replace("app.test", "evil.test");
    let token = page.field("form_token");
    let fields = [("form_token", token.as_str()), ("account", "go_on")];
    assert_eq!(browser.post(&unregistered, &fields).await.status, 400);
}
