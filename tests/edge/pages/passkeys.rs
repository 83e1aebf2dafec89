//! Passkeys on pages, without a script: what is sent by a browser, and by who means harm.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::super::browser::{Browser, Shown};
use super::{is_guarded, is_signed_in};
use crate::world::{Key, World};

/// What the script would read of a page.
struct Form {
    token: String,
    ceremony: String,
    options: String,
    action: String,
}

impl Form {
    fn of(page: &Shown) -> Self {
        let (_, form) = page.text.split_once("class=\"passkey\"").expect("a form");
        let part = |mark: &str| {
            let (_, rest) = form.split_once(mark).expect("a part");
            rest.split('"').next().unwrap().replace("&#34;", "\"")
        };
        let (before, _) = page.text.split_once("class=\"passkey\"").unwrap();
        let (_, action) = before.rsplit_once("action=\"").unwrap();
        Self {
            token: part("name=\"form_token\" value=\""),
            ceremony: part("name=\"ceremony\" value=\""),
            options: part("data-options=\""),
            action: action.split('"').next().unwrap().replace("&#38;", "&"),
        }
    }

    async fn send(
        &self,
        browser: &mut Browser<'_>,
        credential: &str,
        more: &[(&str, &str)],
    ) -> Shown {
        let mut fields = vec![
            ("form_token", self.token.as_str()),
            ("ceremony", self.ceremony.as_str()),
            ("credential", credential),
        ];
        fields.extend(more);
        browser.post(&self.action, &fields).await
    }
}

/// Alice's browser, and a passkey that she made with it.
async fn add(world: &World) -> (Browser<'_>, Key) {
    let mut browser = Browser::new(world);
    let back = browser.fill_in("/signin", "alice").await;
    assert_eq!(back.status, 303, "{}", back.text);
    let page = browser.get("/passkeys").await;
    assert_eq!(page.status, 200, "{}", page.text);
    is_guarded(&page);
    let form = Form::of(&page);
    let key = Key::new(&form.options);
    let made = key.made(&form.options);
    let done = form.send(&mut browser, &made, &[("name", "Phone")]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.text.matches("<li><code>").count(), 10);
    (browser, key)
}

#[tokio::test]
async fn a_passkey_signs_a_browser_in() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let (_, key) = add(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/signin?continue=/passkeys").await;
    is_guarded(&page);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(page.text.contains("autocomplete=\"username webauthn\""));
    let form = Form::of(&page);
    let signed = key.sign(&form.options);
    let back = form.send(&mut browser, &signed, &[]).await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/passkeys"));
    assert!(is_signed_in(&mut browser).await);
    let path = format!("/v1/users/{}/sessions", alice.id);
    let listed = world.get(&world.admin, &path).await;
    let items = listed.is(200)["items"].as_array().unwrap();
    assert_eq!(items.last().unwrap()["methods"], json!(["pop", "mfa"]));
}

#[tokio::test]
async fn what_was_asked_of_one_browser_is_not_taken_of_another() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let (_, key) = add(&world).await;
    let count = world.sessions_of(&alice.id).await;
    let (mut one, mut other) = (Browser::new(&world), Browser::new(&world));
    let form = Form::of(&one.get("/signin").await);
    let mut swapped = Form::of(&other.get("/signin").await);
    swapped.ceremony.clone_from(&form.ceremony);
    let signed = key.sign(&form.options);
    let refused = swapped.send(&mut other, &signed, &[]).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("This passkey did not work"),
        "{}",
        refused.text
    );
    assert!(!is_signed_in(&mut other).await);
    let told = world.refusals("passkey.refuse").await;
    assert_eq!(
        told,
        [(alice.id.clone(), "PASSKEY_CEREMONY_OVER".to_owned())]
    );
    // It was not used up by that, and is good once where it was asked for.
    let back = form.send(&mut one, &signed, &[]).await;
    assert_eq!(back.status, 303, "{}", back.text);
    let mut fresh = Form::of(&other.get("/signin").await);
    fresh.ceremony.clone_from(&form.ceremony);
    assert_eq!(fresh.send(&mut other, &signed, &[]).await.status, 422);
    assert_eq!(world.sessions_of(&alice.id).await, count + 1);
}

#[tokio::test]
async fn a_form_that_is_not_ours_signs_nobody_in() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let (_, key) = add(&world).await;
    let mut browser = Browser::new(&world);
    let mut form = Form::of(&browser.get("/signin").await);
    let signed = key.sign(&form.options);
    let own = form.token.clone();
    "nonsense".clone_into(&mut form.token);
    assert_eq!(form.send(&mut browser, &signed, &[]).await.status, 403);
    form.token = own;
    let fields = [
        ("form_token", form.token.as_str()),
        ("ceremony", form.ceremony.as_str()),
        ("credential", signed.as_str()),
    ];
    let elsewhere = world.request(Method::POST, &form.action).form(&fields);
    let elsewhere = elsewhere.header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(elsewhere).await.status, 403);
    assert!(!is_signed_in(&mut browser).await);
    // Nor does anybody else remove one of hers.
    let mut hers = Browser::new(&world);
    let form = Form::of(&hers.get("/signin?continue=/passkeys").await);
    form.send(&mut hers, &key.sign(&form.options), &[]).await;
    let page = hers.get("/passkeys").await;
    let id = page.field("id");
    let forged = [("do", "remove"), ("id", id.as_str())];
    assert_eq!(hers.post("/passkeys", &forged).await.status, 403);
    assert!(hers.get("/passkeys").await.text.contains(&id));
}

#[tokio::test]
async fn a_passkey_meets_a_challenge_on_its_page() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let (_, key) = add(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin?continue=/passkeys", "alice").await;
    assert!(page.text.contains("Use a passkey"), "{}", page.text);
    is_guarded(&page);
    let challenge = page.field("mfa_token");
    let form = Form::of(&page);
    let mut weak =
        Key::new(&json!({"user": {"id": ""}, "rp": {"id": "gatepost.test"}}).to_string());
    weak.id.clone_from(&key.id);
    weak.handle = None;
    let more = [("mfa_token", challenge.as_str())];
    let refused = form
        .send(&mut browser, &weak.sign(&form.options), &more)
        .await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("This passkey did not work"),
        "{}",
        refused.text
    );
    let told = world.refusals("mfa.refuse").await;
    assert_eq!(told, [(alice.id.clone(), "PASSKEY_INVALID".to_owned())]);
    assert!(!is_signed_in(&mut browser).await);
    let form = Form::of(&refused);
    let back = form
        .send(&mut browser, &key.sign(&form.options), &more)
        .await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/passkeys"));
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn who_must_have_a_passkey_makes_one_on_the_way() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    for methods in [json!(["passkey"]), json!(["app", "passkey"])] {
        let policy = json!({"mode": "required", "methods": methods});
        let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
        set.await.is(200);
        let mut browser = Browser::new(&world);
        let mut page = browser.fill_in("/signin", "alice").await;
        assert!(
            page.text.contains("Set up a second factor"),
            "{}",
            page.text
        );
        // Where there is a choice, she chooses it.
        if methods.as_array().unwrap().len() > 1 {
            let (token, challenge) = (page.field("form_token"), page.field("mfa_token"));
            let offered = page.field("offered");
            assert_eq!(offered, "app passkey");
            let fields = [
                ("form_token", token.as_str()),
                ("mfa_token", challenge.as_str()),
                ("offered", offered.as_str()),
                ("set_up", "passkey"),
            ];
            page = browser.post(&page.action(), &fields).await;
        }
        is_guarded(&page);
        assert_eq!(page.text.matches("<li><code>").count(), 10);
        assert!(!page.text.contains("name=\"code\""), "{}", page.text);
        let form = Form::of(&page);
        let (_, rest) = page.text.split_once("name=\"mfa_token\" value=\"").unwrap();
        let challenge = rest.split('"').next().unwrap().to_owned();
        let key = Key::new(&form.options);
        let more = [("mfa_token", challenge.as_str())];
        let back = form
            .send(&mut browser, &key.made(&form.options), &more)
            .await;
        assert_eq!(back.status, 303, "{}", back.text);
        assert!(is_signed_in(&mut browser).await);
        let users = world.get(&world.admin, "/v1/users?limit=100").await;
        let items = users.is(200)["items"].as_array().unwrap().clone();
        let alice = items
            .iter()
            .find(|user| user["username"] == "alice")
            .unwrap();
        let path = format!("/v1/users/{}/mfa", alice["id"].as_str().unwrap());
        world.delete(&world.admin, &path).await.is(204);
    }
}

#[tokio::test]
async fn changing_passkeys_needs_a_new_and_a_strong_sign_in() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let mut nobody = Browser::new(&world);
    let shown = nobody.get("/passkeys").await;
    assert_eq!(shown.location(), "/signin?continue=/passkeys");
    let mut weak = Browser::new(&world);
    assert_eq!(weak.fill_in("/signin", "alice").await.status, 303);
    let (mut strong, key) = add(&world).await;
    // She has a factor by now, and did not show it here; nor in the browser that added it.
    for browser in [&mut weak, &mut strong] {
        let shown = browser.get("/passkeys").await;
        assert_eq!(shown.location(), "/signin?continue=/passkeys%3Fstronger");
    }
    let path = weak.get("/passkeys").await.location().to_owned();
    let form = Form::of(&weak.get(&path).await);
    let back = form.send(&mut weak, &key.sign(&form.options), &[]).await;
    let page = weak.get(back.location()).await;
    assert_eq!(page.status, 200, "{}", page.text);
    world.pass(Duration::from_mins(16)).await;
    let shown = weak.get("/passkeys").await;
    assert_eq!(shown.location(), "/signin?continue=/passkeys");
}

#[tokio::test]
async fn a_passkey_is_renamed_and_removed_by_its_owner() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let (_, key) = add(&world).await;
    let mut browser = Browser::new(&world);
    let form = Form::of(&browser.get("/signin?continue=/passkeys").await);
    form.send(&mut browser, &key.sign(&form.options), &[]).await;
    let page = browser.get("/passkeys").await;
    assert!(page.text.contains("value=\"Phone\""), "{}", page.text);
    let (token, id) = (page.field("form_token"), page.field("id"));
    let does = async |browser: &mut Browser<'_>, what: &str, name: &str| {
        let fields = [
            ("form_token", token.as_str()),
            ("id", id.as_str()),
            ("do", what),
            ("name", name),
        ];
        browser.post("/passkeys", &fields).await
    };
    let long = does(&mut browser, "rename", &"x".repeat(65)).await;
    assert_eq!(long.status, 422);
    let renamed = does(&mut browser, "rename", "<b>Ana's</b>").await;
    assert_eq!(renamed.status, 200);
    assert!(
        renamed.text.contains("&#60;b&#62;Ana&#39;s&#60;/b&#62;"),
        "{}",
        renamed.text
    );
    let removed = does(&mut browser, "remove", "").await;
    assert!(
        removed.text.contains("The passkey is removed."),
        "{}",
        removed.text
    );
    let again = does(&mut browser, "remove", "").await;
    assert_eq!(again.status, 404);
    let mut other = Browser::new(&world);
    let form = Form::of(&other.get("/signin").await);
    let refused = form.send(&mut other, &key.sign(&form.options), &[]).await;
    assert_eq!(refused.status, 422);
}
