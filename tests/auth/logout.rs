//! `Logout`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, claims};

#[tokio::test]
async fn a_bearer_ends_her_session_and_no_other() {
    let world = World::start().await;
    let phone = world.person("alice", &[]).await;
    let laptop = world.sign_in("alice").await;
    let answer = world.post(&phone, "/v1/logout", json!({})).await;
    assert!(answer.is(204).is_null());
    assert_eq!(answer.header("content-length"), "");
    world
        .get(&phone, "/v1/userinfo")
        .await
        .refuses(ErrorReason::SessionEnded);
    world.get(&laptop, "/v1/userinfo").await.is(200);
    let body = json!({"refreshToken": phone.refresh_token});
    let refresh = world
        .post_openly("/v1/login/oauth/refresh_token", body)
        .await;
    refresh.refuses(ErrorReason::RefreshTokenInvalid);
    let again = world.post(&phone, "/v1/logout", json!({})).await;
    again.refuses(ErrorReason::SessionEnded);

    let path = "/v1/audit-events?action=session.end";
    let events = world.get(&world.admin, path).await;
    let event = &events.is(200)["items"][0];
    assert_eq!(event["actorId"], *phone.id);
    assert_eq!(event["targetId"], claims(&phone.token)["sid"]);
    assert_eq!(event["revision"], *answer.header("gatepost-revision"));
}

#[tokio::test]
async fn an_expired_hint_ends_its_session_by_form_or_json() {
    let world = World::start().await;
    let (one, two) = (
        world.person("alice", &[]).await,
        world.sign_in("alice").await,
    );
    world.pass(Duration::from_mins(61)).await;
    world
        .get(&one, "/v1/userinfo")
        .await
        .refuses(ErrorReason::TokenExpired);
    let form = world.request(Method::POST, "/v1/logout");
    let form = form.form(&json!({"id_token_hint": one.token}));
    world.send(form).await.is(204);
    let json = json!({"idTokenHint": two.token});
    world.post_openly("/v1/logout", json).await.is(204);
    for ended in [one, two] {
        let body = json!({"refreshToken": ended.refresh_token});
        let refresh = world
            .post_openly("/v1/login/oauth/refresh_token", body)
            .await;
        refresh.refuses(ErrorReason::RefreshTokenInvalid);
    }
}

#[tokio::test]
async fn an_id_token_is_a_hint_and_no_credential() {
    let world = World::start().await;
    let body = json!({
        "grantType": "password", "username": "admin", "password": crate::world::PASSWORD,
    });
    let signed_in = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    let id_token = signed_in.is(200)["idToken"].as_str().unwrap();
    let bearer = world
        .request(Method::GET, "/v1/userinfo")
        .bearer_auth(id_token);
    world.send(bearer).await.refuses(ErrorReason::TokenInvalid);
    let hint = json!({"id_token_hint": id_token});
    world.post_openly("/v1/logout", hint.clone()).await.is(204);
    // It has ended already; saying so twice is no harm.
    world.post_openly("/v1/logout", hint).await.is(204);
}

#[tokio::test]
async fn a_hint_that_is_forged_or_missing_ends_nothing() {
    let world = World::start().await;
    let nothing = world.post_openly("/v1/logout", json!({})).await;
    nothing.refuses(ErrorReason::TokenMissing);
    let (head, _) = world.admin.token.rsplit_once('.').unwrap();
    let forged = json!({"idTokenHint": format!("{head}.AAAA")});
    let forged = world.post_openly("/v1/logout", forged).await;
    forged.refuses(ErrorReason::TokenInvalid);
    world.get(&world.admin, "/v1/userinfo").await.is(200);
    let machine = world.machine("midaz", &[]).await;
    let machine = world.post(&machine, "/v1/logout", json!({})).await;
    machine.refuses(ErrorReason::TokenInvalid);
}
