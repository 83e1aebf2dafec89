//! `DeleteApplication`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_deleted_application_is_gone_with_its_tokens() {
    let world = World::start().await;
    let midaz = world.machine("midaz", &[]).await;
    assert!(world.may(&midaz, "midaz", "accounts", "get").await);
    let path = format!("/v1/applications/{}", midaz.id);
    let before = world.get(&world.admin, &path).await;
    let answer = world.delete(&world.admin, &path).await;
    assert!(answer.is(204).is_null());
    let gone = world.authorize(&midaz, "midaz", "accounts", "get").await;
    gone.refuses(ErrorReason::ApplicationGone);
    assert_eq!(gone.body["code"], "AUT-1011");
    world
        .get(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    let event = world.audit(&answer, "application.delete").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &json!(null))
    );
    let another = application(&world, &world.admin, json!({"name": "midaz"})).await;
    assert_ne!(another["id"], *midaz.id);
}

#[tokio::test]
async fn its_secret_buys_no_token_and_its_people_are_signed_out() {
    let world = World::start().await;
    let made = application(&world, &world.admin, json!({"name": "console"})).await;
    let sign_in = json!({
        "grantType": "password", "username": "admin", "password": crate::world::PASSWORD,
        "clientId": made["clientId"], "clientSecret": made["clientSecret"],
    });
    let token = "/v1/login/oauth/access_token";
    let signed_in = world.post_openly(token, sign_in.clone()).await;
    let bearer = signed_in.is(200)["accessToken"].as_str().unwrap();
    let path = format!("/v1/applications/{}", made["id"].as_str().unwrap());
    world.delete(&world.admin, &path).await.is(204);
    world
        .post_openly(token, sign_in)
        .await
        .refuses(ErrorReason::ClientInvalid);
    let info = world
        .request(Method::GET, "/v1/userinfo")
        .bearer_auth(bearer);
    world.send(info).await.refuses(ErrorReason::SessionEnded);
    let refresh = json!({"refreshToken": signed_in.body["refreshToken"]});
    let refresh = world
        .post_openly("/v1/login/oauth/refresh_token", refresh)
        .await;
    refresh.refuses(ErrorReason::RefreshTokenInvalid);
}

#[tokio::test]
async fn an_unknown_application_is_not_found() {
    let world = World::start().await;
    let path = format!("/v1/applications/{NOBODY}");
    world
        .delete(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, &path, json!({})).await;
}
