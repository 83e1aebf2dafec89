//! Where a browser is sent, and where not.

use serde_json::json;

use super::{CALLBACK, Party, code_of};
use crate::edge::browser::Browser;
use crate::world::World;

/// Nothing is sent to an address that is not registered, not even an error: it is told the person.
#[tokio::test]
async fn an_address_that_is_not_registered_gets_nothing() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    for address in [
        "https://app.test/cb/",
        "https://app.test/cb/..",
        "https://app.test/cb?x",
        "https://app.test/cb#x",
        "https://app.test/CB",
        "https://app.test",
        "https://app.test:443/cb",
        "https://app.test.evil.test/cb",
        "https://app.test@evil.test/cb",
        "https://evil.test/cb?https://app.test/cb",
        "http://app.test/cb",
        "//app.test/cb",
        "javascript:alert(1)",
        " https://app.test/cb",
    ] {
        for more in [
            ("state", "x"),
            ("response_type", "token"),
            ("prompt", "none"),
        ] {
            let page = browser
                .get(&party.asks(&[("redirect_uri", address), more]))
                .await;
            assert_eq!(page.status, 400, "{address}");
            assert!(page.headers.get("location").is_none(), "{address}");
        }
    }
    for (name, value) in [
        ("redirect_uri", ""),
        ("client_id", ""),
        ("client_id", "nobody"),
        ("client_id", &party.id),
    ] {
        let page = browser.get(&party.asks(&[(name, value)])).await;
        assert_eq!(page.status, 400, "{name}={value}");
        assert!(page.text.contains("Nothing was done"), "{}", page.text);
    }
    // What is there twice could mean one thing here and another one there.
    for twice in [
        "redirect_uri=https%3A%2F%2Fevil.test",
        "client_id=x",
        "state=x",
    ] {
        let page = browser.get(&format!("{}&{twice}", party.asks(&[]))).await;
        assert_eq!(page.status, 400, "{twice}");
    }
}

#[tokio::test]
async fn a_loopback_address_is_good_on_any_port() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let addresses = [
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
        "com.example.app:/cb",
    ];
    let party = Party::new(&world, json!({"public": true, "redirectUris": addresses})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    for good in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:49152/cb",
        "http://[::1]:8080/cb",
        "com.example.app:/cb",
    ] {
        let page = browser.get(&party.asks(&[("redirect_uri", good)])).await;
        let token = page.field("form_token");
        let fields = [("form_token", token.as_str()), ("decision", "allow")];
        let back = browser.post(&page.action(), &fields).await;
        assert!(back.location().starts_with(&format!("{good}?")), "{good}");
        let code = back.told("code");
        let over = [("redirect_uri", good)];
        party.redeem(&world, &code, &over).await.is(200);
    }
    for bad in [
        "http://localhost/cb",
        "http://127.0.0.1:49152/cb/x",
        "http://127.0.0.1:x/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "com.example.app:/other",
    ] {
        let page = browser.get(&party.asks(&[("redirect_uri", bad)])).await;
        assert_eq!(page.status, 400, "{bad}");
    }
}

/// A policy that forgot the application's address would break the redirect after the form, in real
/// browsers only; one that allowed all of them would let a smuggled form send a password away.
#[tokio::test]
async fn the_form_of_a_page_may_end_at_the_application_and_nowhere_else() {
    let world = World::start().await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    let to_sign_in = browser.get(&party.asks(&[])).await;
    let page = browser.get(to_sign_in.location()).await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' https://app.test;"),
        "{policy}"
    );
    assert!(page.text.contains("to continue to"), "{}", page.text);
    // What is not registered is not allowed either.
    let evil = to_sign_in.location().replace("app.test", "evil.test");
    let page = browser.get(&evil).await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' ;"), "{policy}");
}

#[tokio::test]
async fn an_answer_travels_as_it_was_asked_to() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let with_query = "https://app.test/cb?tenant=1";
    let party = Party::new(&world, json!({"redirectUris": [CALLBACK, with_query]})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    code_of(
        &browser
            .get(&party.asks(&[("response_mode", "query")]))
            .await,
    );
    let back = browser
        .get(&party.asks(&[("redirect_uri", with_query)]))
        .await;
    assert_eq!(
        (back.told("tenant"), back.told("code").is_empty()),
        ("1".to_owned(), false)
    );
    let back = browser
        .get(&party.asks(&[("response_mode", "fragment")]))
        .await;
    assert!(
        back.location()
            .starts_with(&format!("{CALLBACK}#code=gpc_"))
    );
    let page = browser
        .get(&party.asks(&[("response_mode", "form_post")]))
        .await;
    assert_eq!(
        (page.status.as_u16(), page.action()),
        (200, CALLBACK.to_owned())
    );
    assert_eq!(page.field("iss"), crate::world::PUBLIC_URL);
    assert_eq!(page.field("state"), "s t&#38;a");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(
        policy.contains("form-action 'self' https://app.test;"),
        "{policy}"
    );
    party.redeem(&world, &page.field("code"), &[]).await.is(200);
    // Errors travel the same way, and say from whom they are (mix-up).
    let over = [("response_mode", "form_post"), ("response_type", "token")];
    let page = browser.get(&party.asks(&over)).await;
    assert_eq!(page.field("error"), "unsupported_response_type");
    assert_eq!(page.field("iss"), crate::world::PUBLIC_URL);
    let back = browser
        .get(&party.asks(&[("response_mode", "web_message")]))
        .await;
    assert_eq!(back.told("error"), "invalid_request");
}
