//! Applications on a person's device: anybody can say that it is one (RFC 8252 §8.6).

use serde_json::json;

use super::{CALLBACK, Party};
use crate::edge::browser::Browser;
use crate::world::World;

const LOOPBACK: &str = "http://127.0.0.1/cb";
const SCHEME: &str = "com.example.shop:/cb";

#[tokio::test]
async fn a_public_application_on_a_device_asks_each_time() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let uris = json!([LOOPBACK, SCHEME, CALLBACK]);
    let native = Party::new(&world, json!({"public": true, "redirectUris": uris})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    for address in [LOOPBACK, "http://127.0.0.1:49152/cb", SCHEME] {
        let path = native.asks(&[("redirect_uri", address)]);
        // Also when she allowed it a moment ago.
        for _ in 0..2 {
            let page = browser.get(&path).await;
            assert!(
                page.text.contains("Allow access?"),
                "{address}: {}",
                page.text
            );
            let token = page.field("form_token");
            let fields = [("form_token", token.as_str()), ("decision", "allow")];
            let back = browser.post(&page.action(), &fields).await;
            assert!(back.location().starts_with(address), "{}", back.location());
            let code = back.told("code");
            let bought = native
                .redeem(&world, &code, &[("redirect_uri", address)])
                .await;
            bought.is(200);
        }
        let silent = native.asks(&[("redirect_uri", address), ("prompt", "none")]);
        let back = browser.get(&silent).await;
        assert_eq!(back.told("error"), "consent_required", "{address}");
    }
    // Of an address that TLS proves, everybody knows whose it is; and who has a secret proves it.
    super::code_of(&browser.get(&native.asks(&[])).await);
    let secret = Party::new(&world, json!({"redirectUris": uris})).await;
    let back = browser
        .get(&secret.asks(&[("redirect_uri", LOOPBACK)]))
        .await;
    assert!(!back.told("code").is_empty());
}
