//! Codes: what they buy, once, and for whom.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::json;

use super::{CHALLENGE, Party, VERIFIER, code_of, is_refused};
use crate::edge::browser::Browser;
use crate::world::{PUBLIC_URL, World, claims, header};

#[tokio::test]
async fn a_code_buys_the_tokens_of_a_session() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    let path = party.asks(&[("nonce", "n-1"), ("scope", "openid email")]);
    let back = browser.walk(&path, "alice").await;
    let bought = party.redeem(&world, &code_of(&back), &[]).await;
    let tokens = bought.is(200);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "email openid");
    let id = claims(tokens["id_token"].as_str().unwrap());
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(id["iss"], PUBLIC_URL);
    assert_eq!(id["aud"], json!([party.client_id]));
    assert_eq!(
        (&id["sub"], &id["azp"]),
        (&json!(alice.id), &json!(party.client_id))
    );
    assert_eq!(
        (&id["nonce"], &id["sid"]),
        (&json!("n-1"), &claims(access)["sid"])
    );
    assert_eq!(
        (&id["email"], &id["name"]),
        (&json!("alice@example.com"), &json!(null))
    );
    assert!(id["auth_time"].as_i64().unwrap() <= id["iat"].as_i64().unwrap());
    assert_eq!(header(tokens["id_token"].as_str().unwrap())["typ"], "JWT");
    // Half of SHA-512, as Ed25519 hashes.
    assert_eq!(id["at_hash"].as_str().unwrap().len(), 43);
    // Good for decisions, and it can be refreshed: the ID token keeps when she signed in.
    let request = world
        .request(reqwest::Method::POST, "/v1/authorize")
        .bearer_auth(access);
    let ask = json!({"product": "midaz", "resource": "accounts", "action": "get"});
    let decided = world.send(request.json(&ask)).await;
    assert_eq!(decided.is(200)["authorized"], true);
    world.pass(Duration::from_secs(20)).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let next = party.refresh(&world, refresh, &[]).await;
    let next = claims(next.is(200)["id_token"].as_str().unwrap());
    assert_eq!(
        (&next["auth_time"], &next["sid"]),
        (&id["auth_time"], &id["sid"])
    );
    assert_eq!(next["nonce"], json!(null));
    // She is not asked again for the next application, and the session tells how she signed in.
    let other = Party::new(&world, json!({"resources": ["https://x.test"]})).await;
    let back = browser.get(&other.asks(&[])).await;
    other.redeem(&world, &code_of(&back), &[]).await.is(200);
    let listed = world
        .get(&alice, &format!("/v1/users/{}/sessions", alice.id))
        .await;
    let through = |party: &Party| {
        let all = listed.is(200)["items"].as_array().unwrap().iter();
        all.filter(|one| one["applicationId"] == *party.id).count()
    };
    assert_eq!((through(&party), through(&other)), (1, 1));
}

/// Replay ends what was bought with the code, because one of two has stolen it.
#[tokio::test]
async fn a_code_that_comes_back_ends_its_session() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let code = party.code(&world, "alice").await;
    let bought = party.redeem(&world, &code, &[]).await;
    let tokens = bought.is(200).clone();
    let again = party.redeem(&world, &code, &[]).await;
    is_refused(&again, "invalid_grant");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    is_refused(&party.refresh(&world, refresh, &[]).await, "invalid_grant");
    let request = world.request(reqwest::Method::GET, "/oauth/userinfo");
    let told = world
        .send(request.bearer_auth(tokens["access_token"].as_str().unwrap()))
        .await;
    told.is(401);
    let path = "/v1/audit-events?action=code.reuse_detected";
    let events = world.get(&world.admin, path).await;
    let sid = claims(tokens["access_token"].as_str().unwrap())["sid"].clone();
    assert_eq!(events.is(200)["items"][0]["targetId"], sid);
}

#[tokio::test]
async fn of_many_at_once_one_buys() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let code = party.code(&world, "alice").await;
    let tries = (0..8).map(|_| party.redeem(&world, &code, &[]));
    let answers = futures::future::join_all(tries).await;
    let good: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(good.len(), 1);
    // And that one ended: nobody knows who of them was first.
    let refresh = good[0].body["refresh_token"].as_str().unwrap();
    is_refused(&party.refresh(&world, refresh, &[]).await, "invalid_grant");
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let code = party.code(&world, "alice").await;
    world.pass(Duration::from_secs(61)).await;
    is_refused(&party.redeem(&world, &code, &[]).await, "invalid_grant");
}

/// A code is nothing to another client, at another issuer, or with another address.
#[tokio::test]
async fn a_code_is_bound_to_who_asked_for_it() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let also = "https://app.test/also";
    let settings = json!({"redirectUris": ["https://app.test/cb", also]});
    let party = Party::new(&world, settings).await;
    let other = Party::new(&world, json!({})).await;
    let code = party.code(&world, "alice").await;
    is_refused(&other.redeem(&world, &code, &[]).await, "invalid_grant");
    let elsewhere = party.redeem(&world, &code, &[("redirect_uri", also)]).await;
    is_refused(&elsewhere, "invalid_grant");
    let nowhere = party.redeem(&world, &code, &[("redirect_uri", "")]).await;
    is_refused(&nowhere, "invalid_request");
    let cut = code.get(..code.len() - 1).unwrap();
    for code in ["", "gpc_", "gpc_AAAA", "x", cut] {
        let error = if code.is_empty() {
            "invalid_request"
        } else {
            "invalid_grant"
        };
        is_refused(&party.redeem(&world, code, &[]).await, error);
    }
    let issuer = "/o/default/oauth/token";
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", super::CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let request = world.request(reqwest::Method::POST, issuer).form(&form);
    let request = request.basic_auth(&party.client_id, party.secret.as_ref());
    is_refused(&world.send(request).await, "invalid_grant");
    party.redeem(&world, &code, &[]).await.is(200);
}

/// PKCE cannot be taken out on the way, nor put in, nor made weaker.
#[tokio::test]
async fn a_challenge_cannot_be_taken_away() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let strict = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    browser.fill_in("/signin", "alice").await;
    for (challenge, method) in [
        ("", ""),
        ("", "S256"),
        (CHALLENGE, ""),
        (VERIFIER, "plain"),
        (CHALLENGE, "s256"),
        ("short", "S256"),
        (&*"A".repeat(44), "S256"),
    ] {
        let over = [
            ("code_challenge", challenge),
            ("code_challenge_method", method),
        ];
        let back = browser.get(&strict.asks(&over)).await;
        assert_eq!(
            back.told("error"),
            "invalid_request",
            "{challenge} {method}"
        );
        assert_eq!(back.told("code"), "");
    }
    let code = code_of(&browser.get(&strict.asks(&[])).await);
    let wrong = "x".repeat(43);
    for verifier in ["", CHALLENGE, VERIFIER.get(1..).unwrap(), &wrong] {
        let over = [("code_verifier", verifier)];
        is_refused(&strict.redeem(&world, &code, &over).await, "invalid_grant");
    }
    strict.redeem(&world, &code, &[]).await.is(200);
    // An old client may do without; then a verifier shows that somebody took its challenge away.
    let old = Party::new(&world, json!({"pkceOptional": true})).await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let code = code_of(&browser.get(&old.asks(&without)).await);
    is_refused(&old.redeem(&world, &code, &[]).await, "invalid_grant");
    old.redeem(&world, &code, &[("code_verifier", "")])
        .await
        .is(200);
    let code = code_of(&browser.get(&old.asks(&[])).await);
    let over = [("code_verifier", "")];
    is_refused(&old.redeem(&world, &code, &over).await, "invalid_grant");
    let weak = [
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    let back = browser.get(&old.asks(&weak)).await;
    assert_eq!(back.told("error"), "invalid_request");
}

/// Who signs out, or is suspended, is not signed in by what is under way.
#[tokio::test]
async fn a_code_of_who_is_gone_buys_nothing() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let mut browser = Browser::new(&world);
    let code = code_of(&browser.walk(&party.asks(&[]), "alice").await);
    let token = browser.get("/signout").await.field("form_token");
    browser.post("/signout", &[("form_token", &token)]).await;
    is_refused(&party.redeem(&world, &code, &[]).await, "invalid_grant");
    let code = party.code(&world, "alice").await;
    let path = format!("/v1/users/{}", alice.id);
    world
        .patch(&world.admin, &path, json!({"status": "suspended"}))
        .await
        .is(204);
    is_refused(&party.redeem(&world, &code, &[]).await, "invalid_grant");
}

#[tokio::test]
async fn a_public_application_proves_itself_by_its_codes() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({"public": true})).await;
    assert_eq!(party.secret, None);
    let code = party.code(&world, "alice").await;
    let bought = party.redeem(&world, &code, &[]).await;
    let refresh = bought.is(200)["refresh_token"].as_str().unwrap().to_owned();
    party.refresh(&world, &refresh, &[]).await.is(200);
    let own = party
        .post(&world, &[("grant_type", "client_credentials")])
        .await;
    is_refused(&own, "unauthorized_client");
    // Anybody can say that it is it: of tokens it learns nothing.
    let form = [("client_id", party.client_id.as_str()), ("token", "x")];
    let request = world
        .request(reqwest::Method::POST, "/oauth/introspect")
        .form(&form);
    assert_eq!(world.send(request).await.is(401)["error"], "invalid_client");
    // A confidential one cannot leave its secret away.
    let other = Party::new(&world, json!({})).await;
    let bare = Party {
        secret: None,
        ..other
    };
    let code = bare.code(&world, "alice").await;
    let refused = bare.redeem(&world, &code, &[]).await;
    assert_eq!(refused.is(401)["error"], "invalid_client");
    let path = format!("/v1/applications/{}/credentials", party.id);
    let refused = world.post(&world.admin, &path, json!({})).await;
    refused.refuses(ErrorReason::InvalidRequest);
}

#[tokio::test]
async fn a_used_code_that_comes_back_late_ends_its_session() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    let party = Party::new(&world, json!({})).await;
    let code = party.code(&world, "alice").await;
    let bought = party.redeem(&world, &code, &[]).await;
    let refresh = bought.is(200)["refresh_token"].as_str().unwrap().to_owned();
    world.pass(Duration::from_secs(90)).await;
    is_refused(&party.redeem(&world, &code, &[]).await, "invalid_grant");
    is_refused(&party.refresh(&world, &refresh, &[]).await, "invalid_grant");
    let path = "/v1/audit-events?action=code.reuse_detected";
    let events = world.get(&world.admin, path).await;
    assert_eq!(events.is(200)["items"].as_array().unwrap().len(), 1);
}

/// RFC 6749 §6: to its client, which proves itself each time.
#[tokio::test]
async fn what_was_bought_with_a_code_is_turned_by_its_client_only() {
    let world = World::start().await;
    world.person("alice", &[]).await;
    for settings in [json!({}), json!({"public": true})] {
        let party = Party::new(&world, settings).await;
        let code = party.code(&world, "alice").await;
        let bought = party.redeem(&world, &code, &[]).await;
        let refresh = bought.is(200)["refresh_token"].as_str().unwrap();
        let nobody = json!({"refreshToken": refresh});
        let path = "/v1/login/oauth/refresh_token";
        let refused = world.post_openly(path, nobody).await;
        refused.refuses(ErrorReason::RefreshTokenInvalid);
        // And nothing came of that.
        party.refresh(&world, refresh, &[]).await.is(200);
    }
}
