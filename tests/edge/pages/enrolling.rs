//! Who must have a second factor chooses one on the way, and says where its codes go.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::browser::{Browser, Shown};
use super::{is_guarded, is_signed_in};
use crate::world::{Outbox, World};

/// Everybody must have a second factor of these.
async fn require(world: &World, methods: Value) {
    let policy = json!({"mode": "required", "methods": methods});
    let set = world.call(&world.admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
}

/// Sends a form of the page with these fields beside its hidden ones.
async fn send(browser: &mut Browser<'_>, page: &Shown, fields: &[(&str, &str)]) -> Shown {
    let hidden = ["form_token", "mfa_token", "offered", "method"];
    let has = |name: &&&str| page.text.contains(&format!("name=\"{name}\" value=\""));
    let hidden = hidden.iter().filter(has);
    let hidden: Vec<_> = hidden.map(|name| (*name, page.field(name))).collect();
    let mut all: Vec<(&str, &str)> = Vec::new();
    all.extend(hidden.iter().map(|(name, value)| (*name, value.as_str())));
    all.extend_from_slice(fields);
    browser.post(&page.action(), &all).await
}

async fn methods_of(world: &World, username: &str) -> Value {
    world.knock(username).await["methods"].clone()
}

#[tokio::test]
async fn codes_by_e_mail_are_chosen_and_proved() {
    let (world, outbox) = Outbox::with_world().await;
    world.person("alice", &[]).await;
    require(&world, json!([])).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin?continue=/sessions", "alice").await;
    assert_eq!(page.status, 200, "{}", page.text);
    is_guarded(&page);
    for choice in ["app", "email", "sms"] {
        let button = format!("name=\"set_up\" value=\"{choice}\"");
        assert!(page.text.contains(&button), "{}", page.text);
    }
    assert_eq!(outbox.count(), 0, "nothing is sent before she chose");
    let none = send(&mut browser, &page, &[("set_up", "x")]).await;
    assert_eq!(none.status, 422);
    // What she began and gave up does not get into her way.
    let began = send(&mut browser, &page, &[("set_up", "app")]).await;
    assert!(began.text.contains("<svg"), "{}", began.text);
    let back = send(&mut browser, &began, &[("set_up", "choose")]).await;
    let asked = send(&mut browser, &back, &[("set_up", "email")]).await;
    is_guarded(&asked);
    assert_eq!(asked.text.matches("<li><code>").count(), 10);
    assert_eq!(outbox.last().to, "alice@example.com");
    let wrong = send(&mut browser, &asked, &[("code", "000000")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(!is_signed_in(&mut browser).await);
    let code = outbox.code();
    let back = send(&mut browser, &wrong, &[("code", &code)]).await;
    assert_eq!((back.status.as_u16(), back.location()), (303, "/sessions"));
    assert!(is_signed_in(&mut browser).await);
    assert_eq!(methods_of(&world, "alice").await, json!(["email"]));
}

#[tokio::test]
async fn a_number_is_asked_for_and_read_as_people_write_it() {
    let (world, outbox) = Outbox::with_world().await;
    world.person("alice", &[]).await;
    require(&world, json!(["sms"])).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin", "alice").await;
    assert!(!page.text.contains("value=\"app\""), "{}", page.text);
    for bad in [
        "",
        "12345",
        "+55 11 x",
        "+0 123 456 789",
        "+55119123456789012",
    ] {
        let again = send(&mut browser, &page, &[("set_up", "sms"), ("phone", bad)]).await;
        assert_eq!(again.status, 422, "{bad}");
        assert!(again.text.contains("href=\"#phone\""), "{}", again.text);
    }
    let fields = [("set_up", "sms"), ("phone", "+55 (11) 91234-5678")];
    let asked = send(&mut browser, &page, &fields).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    assert_eq!(outbox.last().to, "+5511912345678");
    let code = outbox.code();
    let back = send(&mut browser, &asked, &[("code", &code)]).await;
    assert_eq!(back.status, 303, "{}", back.text);
    assert_eq!(methods_of(&world, "alice").await, json!(["sms"]));
}

/// The page says what may be chosen, and the policy decides.
#[tokio::test]
async fn what_the_policy_does_not_want_is_not_set_up() {
    let (world, outbox) = Outbox::with_world().await;
    world.person("alice", &[]).await;
    require(&world, json!(["app", "sms"])).await;
    let mut browser = Browser::new(&world);
    let page = browser.fill_in("/signin", "alice").await;
    assert!(!page.text.contains("value=\"email\""), "{}", page.text);
    let forged = send(&mut browser, &page, &[("set_up", "email")]).await;
    assert_eq!(forged.status, 422);
    assert!(forged.text.contains("cannot be used"), "{}", forged.text);
    let challenge = page.field("mfa_token");
    let stolen = [("mfa_token", challenge.as_str()), ("set_up", "app")];
    assert_eq!(browser.post(&page.action(), &stolen).await.status, 403);
    assert_eq!(outbox.count(), 0);
    // A challenge that is over sets nothing up.
    world.pass(std::time::Duration::from_mins(20)).await;
    let late = send(&mut browser, &page, &[("set_up", "app")]).await;
    assert_eq!(late.status, 422);
    assert!(late.text.contains("That took too long"), "{}", late.text);
}

#[tokio::test]
async fn where_nobody_carries_messages_another_way_is_left() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    require(&world, json!(["app", "sms"])).await;
    let mut browser = Browser::new(&world);
    browser.language = "pt-BR";
    let page = browser.fill_in("/signin", "alice").await;
    let fields = [("set_up", "sms"), ("phone", "+5511912345678")];
    let unsent = send(&mut browser, &page, &fields).await;
    assert_eq!(unsent.status, 422, "{}", unsent.text);
    assert!(unsent.text.contains("Escolha outro"), "{}", unsent.text);
    let app = send(&mut browser, &unsent, &[("set_up", "app")]).await;
    assert_eq!(app.status, 200, "{}", app.text);
    let asked = json!({
        "mfaToken": page.field("mfa_token"), "mfaType": "sms", "phone": "+5511912345678",
    });
    let refused = world.post_openly("/v1/login/mfa/enrol", asked).await;
    refused.refuses(ErrorReason::ProviderMissing);
}
