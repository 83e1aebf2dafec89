//! `RefreshToken`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::identity::application;
use crate::world::{Answer, PASSWORD, World, claims, fields};

const PATH: &str = "/v1/login/oauth/refresh_token";

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
        .request(reqwest::Method::GET, "/v1/userinfo")
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

#[tokio::test]
async fn scopes_only_narrow() {
    let world = World::start().await;
    let narrow = json!({"refreshToken": world.admin.refresh_token, "scope": "profile admin"});
    let answer = world.post_openly(PATH, narrow).await;
    assert_eq!(text(&answer, "scope"), "profile");
    assert!(answer.body.get("idToken").is_none());
    let wide = json!({"refreshToken": text(&answer, "refreshToken"), "scope": "openid profile"});
    let answer = world.post_openly(PATH, wide).await;
    assert_eq!(text(&answer, "scope"), "profile");
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
