//! Requests that are none: path, method, media type, body.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::{PASSWORD, World};

#[tokio::test]
async fn a_path_that_is_none_and_a_method_that_is_none() {
    let world = World::start().await;
    let nowhere = world.get(&world.admin, "/v1/nowhere").await;
    nowhere.refuses(ErrorReason::RouteUnknown);
    let answer = world
        .call(&world.admin, Method::PUT, "/v1/users", json!({}))
        .await;
    answer.refuses(ErrorReason::MethodNotAllowed);
    assert_eq!(answer.header("allow"), "GET, POST, HEAD");
    let head = world
        .request(Method::HEAD, "/v1/users")
        .bearer_auth(&world.admin.token);
    let head = world.send(head).await;
    assert!(head.is(200).is_null());
    assert!(head.revision() > 0);
}

#[tokio::test]
async fn a_body_that_is_none() {
    let world = World::start().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = world
            .request(Method::POST, "/v1/groups")
            .bearer_auth(&world.admin.token);
        world
            .send(request.header("content-type", kind).body(body))
            .await
    };
    let json = "application/json";
    let deep = "[".repeat(10_000).into_bytes();
    for bad in [&b"{"[..], b"[]", b"null", b"{\"name\": \"\xff\"}", &deep] {
        send(json, bad.to_vec())
            .await
            .refuses(ErrorReason::MalformedBody);
    }
    send("text/html", b"x".to_vec())
        .await
        .refuses(ErrorReason::MediaTypeUnsupported);
    let large = send(json, vec![b' '; 1024 * 1024 + 1]).await;
    large.refuses(ErrorReason::BodyTooLarge);
    let twice = send(json, b"{\"name\": \"a\", \"name\": \"b\"}".to_vec()).await;
    twice.refuses(ErrorReason::InvalidRequest);
    let unknown = send(json, b"{\"name\": \"a\", \"tenantId\": \"b\"}".to_vec()).await;
    unknown.refuses(ErrorReason::InvalidRequest);
    assert_eq!(unknown.body["code"], "IDE-0003");
    // Nothing at all is an empty request, which misses its name.
    let empty = send(json, Vec::new()).await;
    empty.refuses(ErrorReason::InvalidRequest);
    assert_eq!(empty.body["code"], "IDE-0001");
}

#[tokio::test]
async fn too_many_passwords_at_once_are_turned_away() {
    let world = World::start_with(&[("GATEPOST_PASSWORD_WORKERS", "1")]).await;
    let body = json!({"grantType": "password", "username": "admin", "password": PASSWORD});
    let path = "/v1/login/oauth/access_token";
    let calls = (0..80).map(|_| world.post_openly(path, body.clone()));
    let answers = futures::future::join_all(calls).await;
    let turned_away = answers.iter().find(|answer| answer.status == 429);
    let turned_away = turned_away.expect("a bounded queue");
    turned_away.refuses(ErrorReason::Overloaded);
    assert_eq!(turned_away.header("retry-after"), "1");
    assert!(answers.iter().any(|answer| answer.status == 200));
}
