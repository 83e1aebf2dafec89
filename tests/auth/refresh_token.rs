//! `RefreshToken`.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Answer, PASSWORD, World, claims, fields};

const PATH: &str = "/v1/login/oauth/refresh_token";
/// After this long a refresh token that was used gives nothing any more.
const GRACE: Duration = Duration::from_secs(10);

async fn refresh(world: &World, token: &str) -> Answer {
    world
        .post_openly(PATH, json!({"refreshToken": token}))
        .await
}

fn text(answer: &Answer, field: &str) -> String {
    answer.is(200)[field].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_token_gives_the_next_pair_of_the_same_session() {
    let world = World::start().await;
    world.pass(Duration::from_mins(59)).await;
    let answer = refresh(&world, &world.admin.refresh_token).await;
    let all = [
        "accessToken",
        "expiresIn",
        "idToken",
        "refreshToken",
        "scope",
        "tokenType",
    ];
    assert_eq!(fields(answer.is(200)), all);
    assert_ne!(text(&answer, "refreshToken"), world.admin.refresh_token);
    let (before, after) = (
        claims(&world.admin.token),
        claims(&text(&answer, "accessToken")),
    );
    assert_eq!(before["sid"], after["sid"]);
    assert_ne!(before["jti"], after["jti"]);
    let event = world.audit(&answer, "session.refresh").await;
    assert_eq!(event["targetId"], before["sid"]);
    // The pair that it gave works, and so does the next refresh.
    world.pass(Duration::from_mins(2)).await;
    let bearer = text(&answer, "accessToken");
    let info = world
        .request(Method::GET, "/v1/userinfo")
        .bearer_auth(&bearer);
    world.send(info).await.is(200);
    refresh(&world, &text(&answer, "refreshToken"))
        .await
        .is(200);
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_ends_its_session() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let bystander = world.sign_in("alice").await;
    let first = refresh(&world, &alice.refresh_token).await;
    world.pass(GRACE).await;
    let again = refresh(&world, &alice.refresh_token).await;
    again.refuses(ErrorReason::RefreshTokenInvalid);
    assert_eq!(again.body["code"], "AUT-1005");
    let successor = refresh(&world, &text(&first, "refreshToken")).await;
    successor.refuses(ErrorReason::RefreshTokenInvalid);
    let ended = world.get(&alice, "/v1/userinfo").await;
    ended.refuses(ErrorReason::SessionEnded);
    world.get(&bystander, "/v1/userinfo").await.is(200);
    let events = world
        .get(
            &world.admin,
            "/v1/audit-events?action=session.reuse_detected",
        )
        .await;
    assert_eq!(
        events.is(200)["items"][0]["targetId"],
        claims(&alice.token)["sid"]
    );
}

/// The answer may have been lost on the way, or two tabs asked at the same time.
#[tokio::test]
async fn within_the_grace_the_same_successor_is_told_again() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let answers = join_all((0..8).map(|_| refresh(&world, &alice.refresh_token))).await;
    let successors: BTreeSet<String> = answers
        .iter()
        .map(|answer| text(answer, "refreshToken"))
        .collect();
    assert_eq!(successors.len(), 1, "no branches");
    let events = world
        .get(&world.admin, "/v1/audit-events?action=session.refresh")
        .await;
    let rotations = events.is(200)["items"].as_array().unwrap();
    let own = |event: &&Value| event["targetId"] == claims(&alice.token)["sid"];
    assert_eq!(rotations.iter().filter(own).count(), 1, "one of them won");
    for answer in &answers {
        let info = world
            .request(Method::GET, "/v1/userinfo")
            .bearer_auth(text(answer, "accessToken"));
        world.send(info).await.is(200);
    }
    // The one that was told again works, and is the only one.
    let next = successors.first().unwrap();
    refresh(&world, next).await.is(200);
    // Two generations back there is no grace.
    let stolen = refresh(&world, &alice.refresh_token).await;
    stolen.refuses(ErrorReason::RefreshTokenInvalid);
    let ended = world.get(&alice, "/v1/userinfo").await;
    ended.refuses(ErrorReason::SessionEnded);
}

#[tokio::test]
async fn a_refresh_token_that_lies_unused_is_worth_nothing() {
    let world = World::start_with(&[("GATEPOST_REFRESH_IDLE_SECONDS", "600")]).await;
    let alice = world.person("alice", &[]).await;
    world.pass(Duration::from_mins(9)).await;
    let next = text(&refresh(&world, &alice.refresh_token).await, "refreshToken");
    world.pass(Duration::from_mins(10)).await;
    let late = refresh(&world, &next).await;
    late.refuses(ErrorReason::RefreshTokenInvalid);
    // It was late, not stolen: nothing ends.
    world.get(&alice, "/v1/userinfo").await.is(200);
}

#[tokio::test]
async fn a_forged_refresh_token_is_refused_without_a_word_to_its_session() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let mut forged = alice.refresh_token.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'E' } else { 'A' });
    world.pass(GRACE).await;
    let answer = refresh(&world, &forged).await;
    answer.refuses(ErrorReason::RefreshTokenInvalid);
    refresh(&world, &alice.refresh_token).await.is(200);
}

#[tokio::test]
async fn scopes_only_narrow() {
    let world = World::start().await;
    let narrow = json!({"refreshToken": world.admin.refresh_token, "scope": "profile admin"});
    let answer = world.post_openly(PATH, narrow).await;
    assert_eq!(text(&answer, "scope"), "profile");
    assert!(answer.body.get("idToken").is_none());
    // The next refresh token is worth what the session is (RFC 6749 §6), and no more.
    let wide = json!({"refreshToken": text(&answer, "refreshToken"), "scope": "openid profile x"});
    let answer = world.post_openly(PATH, wide).await;
    assert_eq!(text(&answer, "scope"), "openid profile");
}

#[tokio::test]
async fn a_refresh_token_is_unknown_late_or_of_another_client() {
    let world = World::start().await;
    refresh(&world, "gpr_unknown")
        .await
        .refuses(ErrorReason::RefreshTokenInvalid);
    refresh(&world, "")
        .await
        .refuses(ErrorReason::InvalidRequest);
    let other = json!({"refreshToken": "gpr_unknown", "grantType": "password"});
    let other = world.post_openly(PATH, other).await;
    other.refuses(ErrorReason::GrantTypeUnsupported);

    let client =
        |made: &Value| json!({"clientId": made["clientId"], "clientSecret": made["clientSecret"]});
    let own = application(&world, &world.admin, json!({"name": "console"})).await;
    let other = application(&world, &world.admin, json!({"name": "other"})).await;
    let mut body = client(&own);
    body["grantType"] = json!("password");
    body["username"] = json!("admin");
    body["password"] = json!(PASSWORD);
    let through = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    let token = text(&through, "refreshToken");
    let mut body = client(&other);
    body["refreshToken"] = json!(token);
    world
        .post_openly(PATH, body)
        .await
        .refuses(ErrorReason::RefreshTokenInvalid);
    let mut body = client(&own);
    body["refreshToken"] = json!(token);
    let next = world.post_openly(PATH, body).await;
    assert_eq!(claims(&text(&next, "accessToken"))["azp"], own["clientId"]);

    world.pass(Duration::from_hours(24)).await;
    let late = refresh(&world, &world.admin.refresh_token).await;
    late.refuses(ErrorReason::RefreshTokenInvalid);
}

#[tokio::test]
async fn failures_of_a_client_are_slowed_here_too() {
    let world = World::start().await;
    let client = application(&world, &world.admin, json!({"name": "console"})).await;
    let wrong = json!({
        "refreshToken": world.admin.refresh_token,
        "clientId": client["clientId"], "clientSecret": "gps_wrong",
    });
    let mut refused = world.post_openly(PATH, wrong.clone()).await;
    refused.refuses(ErrorReason::ClientInvalid);
    for _ in 0..20 {
        if refused.status == 429 {
            break;
        }
        refused = world.post_openly(PATH, wrong.clone()).await;
    }
    refused.refuses(ErrorReason::TooManyAttempts);
}
