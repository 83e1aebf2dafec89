//! The smaller words of a request, and of what comes back.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{CALLBACK, Party, code_of};
use crate::edge::browser::Browser;
use crate::identity::application;
use crate::world::{World, claims, header};

/// An application whose tokens are signed in this way.
async fn signing(world: &World, algorithm: &str) -> Party {
    let body = json!({
        "name": algorithm, "tokenAlgorithm": algorithm, "settings": {"redirectUris": [CALLBACK]},
    });
    let made = application(world, &world.admin, body).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    Party {
        id: text("id"),
        client_id: text("clientId"),
        secret: Some(text("clientSecret")),
    }
}

/// OpenID Connect Core §3.1.3.6: the left half of the hash that the signature is made with.
#[tokio::test]
async fn an_id_token_names_the_access_token_beside_it() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    for (algorithm, hash) in [("RS256", &SHA256), ("ES256", &SHA256), ("EdDSA", &SHA512)] {
        let party = signing(&world, algorithm).await;
        let code = party.code(&world, "alice").await;
        let bought = party.redeem(&world, &code, &[]).await.is(200).clone();
        let refresh = bought["refresh_token"].as_str().unwrap();
        let turned = party.refresh(&world, refresh, &[]).await;
        for tokens in [&bought, turned.is(200)] {
            let text = |name: &str| tokens[name].as_str().unwrap();
            let (id, access) = (text("id_token"), text("access_token"));
            assert_eq!(header(id)["alg"], algorithm);
            assert_eq!(header(access)["alg"], algorithm);
            let whole = digest(hash, access.as_bytes());
            let (left, _) = whole.as_ref().split_at(whole.as_ref().len() / 2);
            let expected = URL_SAFE_NO_PAD.encode(left);
            assert_eq!(claims(id)["at_hash"], expected, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn pages_speak_the_language_that_the_application_asks_for() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({"asksConsent": true})).await;
    for (wanted, browsers, spoken) in [
        ("pt-BR", "en", "pt-BR"),
        ("de pt en", "en", "pt-BR"),
        ("en", "pt-BR", "en"),
        ("de", "pt-BR", "pt-BR"),
        ("", "pt-BR", "pt-BR"),
    ] {
        let mut browser = Browser::new(&world);
        browser.language = browsers;
        let html = format!("<html lang=\"{spoken}\"");
        let path = party.asks(&[("ui_locales", wanted)]);
        let to_sign_in = browser.get(&path).await;
        let page = browser.get(to_sign_in.location()).await;
        assert!(page.text.contains(&html), "{wanted}: {}", page.text);
        let word = if spoken == "en" { "Password" } else { "Senha" };
        assert!(page.text.contains(word), "{wanted}: {}", page.text);
        let asked = browser.walk(&path, "alice").await;
        assert!(asked.action().starts_with("/oauth/consent?"));
        assert!(asked.text.contains(&html), "{wanted}: {}", asked.text);
        let path = format!("/oauth/end_session?ui_locales={}", wanted.replace(' ', "+"));
        let asked = browser.get(&path).await;
        assert!(asked.text.contains(&html), "{wanted}: {}", asked.text);
    }
}

/// However the answer travels, what it buys repeats the nonce.
#[tokio::test]
async fn a_nonce_comes_back_whichever_way() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let nonce = "n \"<&+%ß";
    for mode in ["query", "fragment", "form_post"] {
        let path = party.asks(&[("nonce", nonce), ("response_mode", mode)]);
        let back = browser.get(&path).await;
        let code = match mode {
            "query" => code_of(&back),
            "form_post" => back.field("code"),
            _ => {
                let (_, fragment) = back.location().split_once("#code=").unwrap();
                fragment.split('&').next().unwrap().to_owned()
            }
        };
        let bought = party.redeem(&world, &code, &[]).await;
        let id = claims(bought.is(200)["id_token"].as_str().unwrap());
        assert_eq!(id["nonce"], nonce, "{mode}");
    }
}

#[tokio::test]
async fn five_things_can_be_asked_for_at_once() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let all: Vec<String> = (1..=6).map(|n| format!("https://r{n}.test")).collect();
    let party = Party::new(&world, json!({"resources": all})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    let path = |count: usize| {
        let more = all.iter().take(count);
        let more: Vec<_> = more.map(|one| format!("&resource={one}")).collect();
        format!("{}{}", party.asks(&[]), more.concat())
    };
    let code = code_of(&browser.get(&path(5)).await);
    let bought = party.redeem(&world, &code, &[]).await;
    let access = claims(bought.is(200)["access_token"].as_str().unwrap());
    assert_eq!(access["aud"], json!(all[..5]));
    let back = browser.get(&path(6)).await;
    assert_eq!(back.told("error"), "invalid_target");
    assert_eq!(back.told("code"), "");
}

/// Scopes that nobody knows are skipped, and what was given is said (RFC 6749 §3.3).
#[tokio::test]
async fn unknown_scopes_give_nothing() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    for (asked, given) in [
        ("openid address phone offline_access", json!("openid")),
        ("openid openid  email", json!("email openid")),
        ("OPENID email", json!("email")),
        ("address phone", Value::Null),
    ] {
        let code = code_of(&browser.get(&party.asks(&[("scope", asked)])).await);
        let bought = party.redeem(&world, &code, &[]).await;
        assert_eq!(bought.is(200)["scope"], given, "{asked}");
        let is_openid = given.as_str().is_some_and(|given| given.contains("openid"));
        assert_eq!(bought.body["id_token"].is_string(), is_openid, "{asked}");
        let access = claims(bought.body["access_token"].as_str().unwrap());
        assert_eq!(
            access["scope"].as_str().unwrap_or_default(),
            given.as_str().unwrap_or_default()
        );
        // A refresh gives no more.
        let refresh = bought.body["refresh_token"].as_str().unwrap();
        let wish = [("scope", "openid profile email address")];
        let turned = party.refresh(&world, refresh, &wish).await;
        assert_eq!(turned.is(200)["scope"], given, "{asked}");
    }
}
