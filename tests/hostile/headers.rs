//! Where a token stands, and how long it is good.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::forge::ask;
use crate::panics;
use crate::wire::{channel, head, raw, rpc};
use crate::world::World;

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let world = World::start().await;
    world.advance(Duration::from_secs(3500));
    assert_eq!(ask(&world, &world.admin.token).await.status.as_u16(), 200);
    world.pass(Duration::from_secs(101)).await;
    let answer = ask(&world, &world.admin.token).await;
    assert_eq!(
        (answer.status.as_u16(), answer.reason()),
        (401, "TOKEN_EXPIRED")
    );
}

#[tokio::test]
async fn an_ended_session_stays_ended_until_its_last_token_has_expired() {
    let world = World::start().await;
    let guest = world.person("guest", &[]).await;
    let request = world
        .request(Method::POST, "/v1/logout")
        .bearer_auth(&guest.token);
    assert_eq!(world.send(request).await.status.as_u16(), 204);
    for _ in 0..60 {
        let answer = ask(&world, &guest.token).await;
        assert!(!answer.status.is_success(), "{}", answer.body);
        world.advance(Duration::from_mins(1));
        // Writes and rounds give the snapshot reasons to forget.
        world.get(&world.admin, "/v1/users").await;
    }
}

#[tokio::test]
async fn one_authorization_header_with_one_scheme() {
    let (world, panics) = (World::start().await, panics::watch());
    let token = &world.admin.token;
    let bearer = format!("authorization: Bearer {token}");
    let basic = "authorization: Basic YWRtaW46YWRtaW4=";
    let cases: [(&[&str], &str); 9] = [
        (&[], "TOKEN_MISSING"),
        (&[&bearer, &bearer], "TOKEN_INVALID"),
        (&[&bearer, basic], "TOKEN_INVALID"),
        (&[basic, &bearer], "TOKEN_INVALID"),
        (&[basic], "TOKEN_INVALID"),
        (&["authorization: Bearer"], "TOKEN_INVALID"),
        (&["authorization: Bearer "], "TOKEN_INVALID"),
        (&["authorization:"], "TOKEN_INVALID"),
        (&["authorization: Digest username=x"], "TOKEN_INVALID"),
    ];
    for (headers, reason) in cases {
        let (status, _, body) = raw(&world, &head("GET", b"/v1/userinfo", headers)).await;
        assert_eq!(
            (status, &body["reason"]),
            (401, &json!(reason)),
            "{headers:?}: {body}"
        );
        assert!(!body.to_string().contains("YWRtaW4"), "{body}");
    }
    // Old clients send the bare token, on their paths and nowhere else.
    let bare = format!("authorization: {token}");
    assert_eq!(
        raw(&world, &head("GET", b"/v1/userinfo", &[&bare])).await.0,
        200
    );
    let (status, _, body) = raw(&world, &head("GET", b"/.well-known/jwks.json", &[&bare])).await;
    assert_eq!((status, &body["reason"]), (401, &json!("TOKEN_INVALID")));
    let channel = channel(&world).await;
    let fields = serde_json::Map::new();
    let info = rpc("GetUserInfo");
    let answer = info
        .grpc(&channel, None, &fields, &[("authorization", token)])
        .await;
    assert_eq!(answer.unwrap_err().code(), tonic::Code::Unauthenticated);
    let full = format!("bearer {token}");
    let two = [
        ("authorization", full.as_str()),
        ("authorization", full.as_str()),
    ];
    let answer = info.grpc(&channel, None, &fields, &two).await;
    assert_eq!(answer.unwrap_err().code(), tonic::Code::Unauthenticated);
    assert!(info.grpc(&channel, None, &fields, &two[..1]).await.is_ok());
    // A token is read from a header and from nowhere else.
    for path in ["access_token", "token", "authorization"] {
        let path = format!("/v1/userinfo?{path}={token}");
        assert!(raw(&world, &head("GET", path.as_bytes(), &[])).await.0 >= 400);
    }
    let cookie = format!("cookie: access_token={token}");
    assert_eq!(
        raw(&world, &head("GET", b"/v1/userinfo", &[&cookie]))
            .await
            .0,
        401
    );
    assert_eq!(panics::seen(), panics);
}
