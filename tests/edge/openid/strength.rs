//! An `acr` that is demanded, as an essential claim (OpenID Connect Core §5.5.1.1).

use serde_json::{Value, json};

use super::{Party, code_of};
use crate::edge::browser::Browser;
use crate::world::{World, claims};

const ONE: &str = "urn:gatepost:acr:1";
const TWO: &str = "urn:gatepost:acr:2";

fn essential(values: &Value) -> String {
    json!({"id_token": {"acr": {"essential": true, "values": values}}}).to_string()
}

#[tokio::test]
async fn an_essential_acr_is_honoured() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let app = world.enrol(&alice).await;
    let party = Party::new(&world, json!({})).await;
    let strong = essential(&json!([TWO, "urn:x"]));
    let (strong, silent) = (("claims", strong.as_str()), ("prompt", "none"));
    // Who signed in with one factor signs in again, and is asked for two.
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin", "alice").await;
    assert!(page.text.contains("One more step"), "{}", page.text);
    let to_sign_in = browser.get(&party.asks(&[strong])).await;
    let page = browser.fill_in(to_sign_in.location(), "alice").await;
    let (form, challenge) = (page.field("form_token"), page.field("mfa_token"));
    let passcode = world.passcode(&app.secret, 0);
    let fields = [
        ("form_token", form.as_str()),
        ("mfa_token", challenge.as_str()),
        ("code", passcode.as_str()),
    ];
    let back = browser.post(&page.action(), &fields).await;
    let code = code_of(&browser.get(back.location()).await);
    let bought = party.redeem(&world, &code, &[]).await;
    let id = claims(bought.is(200)["id_token"].as_str().unwrap());
    assert_eq!(id["acr"], TWO);
    code_of(&browser.get(&party.asks(&[strong, silent])).await);
}

#[tokio::test]
async fn who_has_no_second_factor_sets_one_up_or_gets_no_code() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let strong = essential(&json!([TWO]));
    let strong = ("claims", strong.as_str());
    let silent = browser
        .get(&party.asks(&[strong, ("prompt", "none")]))
        .await;
    assert_eq!(silent.told("error"), "login_required");
    let to_sign_in = browser.get(&party.asks(&[strong])).await;
    let page = browser.fill_in(to_sign_in.location(), "alice").await;
    assert!(
        page.text.contains("Set up a second factor"),
        "{}",
        page.text
    );
    // Whoever signs in with one and comes back all the same is not sent round for ever.
    let after = party.asks(&[strong, ("signed_in_after", "1")]);
    let back = browser.get(&after).await;
    assert_eq!(back.told("error"), "unmet_authentication_requirements");
    assert_eq!(back.told("code"), "");
}

#[tokio::test]
async fn what_nobody_can_meet_is_refused_and_a_wish_is_not() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let unknown = essential(&json!(["urn:x"]));
    let back = browser.get(&party.asks(&[("claims", &unknown)])).await;
    assert_eq!(back.told("error"), "unmet_authentication_requirements");
    for met in [
        essential(&json!([ONE])),
        essential(&json!([TWO, ONE])),
        json!({"id_token": {"acr": {"essential": true}}}).to_string(),
        json!({"id_token": {"acr": {"value": "urn:x"}}}).to_string(),
    ] {
        code_of(&browser.get(&party.asks(&[("claims", &met)])).await);
    }
    let wish = json!({"id_token": {"acr": {"values": [TWO]}}}).to_string();
    let asked = browser.get(&party.asks(&[("claims", &wish)])).await;
    assert!(
        asked.location().starts_with("/signin?"),
        "{}",
        asked.location()
    );
}
