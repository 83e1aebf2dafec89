//! `ListSessions`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::is_guarded;
use crate::world::{NOBODY, PASSWORD, World, claims, fields};

#[tokio::test]
async fn one_sees_ones_own_sessions_and_which_of_them_asks() {
    let world = World::start().await;
    let first = world.person("alice", &[]).await;
    let second = world.sign_in("alice").await;
    let path = format!("/v1/users/{}/sessions", first.id);
    let list = world.get(&second, &path).await;
    let items = list.is(200)["items"].as_array().unwrap();
    let all = [
        "address",
        "applicationId",
        "createdAt",
        "current",
        "expiresAt",
        "id",
        "lastSeenAt",
        "methods",
        "userAgent",
    ];
    assert_eq!(fields(&items[0]), all);
    let shown: Vec<_> = items
        .iter()
        .map(|item| (&item["id"], &item["current"]))
        .collect();
    let ids = [&first, &second].map(|one| claims(&one.token)["sid"].clone());
    assert_eq!(shown, [(&ids[0], &json!(false)), (&ids[1], &json!(true))]);
    assert_eq!(list.body["total"], 2);
    let by_admin = world.get(&world.admin, &path).await;
    let current: Vec<_> = by_admin.is(200)["items"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    assert!(current.iter().all(|item| item["current"] == false));
}

#[tokio::test]
async fn a_session_tells_where_it_is_used_and_how_it_began() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let send = async |path: &str, body: Value, agent: &str| {
        let request = world.request(Method::POST, path).json(&body);
        let answer = world.send(request.header("user-agent", agent)).await;
        answer.is(200).clone()
    };
    let body = json!({"grantType": "password", "username": "alice", "password": PASSWORD});
    let bought = send("/v1/login/oauth/access_token", body, "browser/1").await;
    let path = format!("/v1/users/{}/sessions", alice.id);
    let last = async || {
        let list = world.get(&world.admin, &path).await;
        list.is(200)["items"].as_array().unwrap()[1].clone()
    };
    let began = last().await;
    assert_eq!(began["userAgent"], "browser/1");
    assert_eq!(began["address"], "127.0.0.1");
    assert_eq!(began["methods"], json!(["pwd"]));
    assert_eq!(began["lastSeenAt"], began["createdAt"]);
    world.pass(Duration::from_mins(5)).await;
    let body = json!({"refreshToken": bought["refreshToken"]});
    send("/v1/login/oauth/refresh_token", body, "browser/2").await;
    let used = last().await;
    assert_eq!(
        (&used["id"], &used["userAgent"]),
        (&began["id"], &json!("browser/2"))
    );
    assert_ne!(used["lastSeenAt"], began["lastSeenAt"]);
}

#[tokio::test]
async fn ended_and_expired_sessions_are_not_listed() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/sessions", alice.id);
    let count = async || {
        let list = world.get(&world.admin, &path).await;
        list.is(200)["items"].as_array().unwrap().len()
    };
    world.sign_in("alice").await;
    assert_eq!(count().await, 2);
    world.post(&alice, "/v1/logout", json!({})).await.is(204);
    assert_eq!(count().await, 1);
    world.pass(Duration::from_hours(24 * 365)).await;
    let admin = world.sign_in("admin").await;
    let list = world.get(&admin, &path).await;
    assert_eq!(list.is(200)["items"], json!([]));
}

#[tokio::test]
async fn the_application_through_which_somebody_signed_in_is_named() {
    let world = World::start().await;
    let console = super::application(&world, &world.admin, json!({"name": "console"})).await;
    let body = json!({
        "grantType": "password", "username": "admin", "password": PASSWORD,
        "clientId": console["clientId"], "clientSecret": console["clientSecret"],
    });
    world
        .post_openly("/v1/login/oauth/access_token", body)
        .await
        .is(200);
    let path = format!(
        "/v1/users/{}/sessions?pageToken=&limit=1&page=2",
        world.admin.id
    );
    let list = world.get(&world.admin, &path).await;
    assert_eq!(list.is(200)["items"][0]["applicationId"], console["id"]);
}

#[tokio::test]
async fn others_need_the_permission() {
    let world = World::start().await;
    let path = format!("/v1/users/{}/sessions", world.admin.id);
    is_guarded(&world, Method::GET, &path, json!({})).await;
    let machine = world.machine("worker", &[]).await;
    let machine = world.get(&machine, &path).await;
    machine.refuses(ErrorReason::PermissionMissing);
    let unknown = format!("/v1/users/{NOBODY}/sessions");
    let unknown = world.get(&world.admin, &unknown).await;
    unknown.refuses(ErrorReason::NotFound);
}
