//! `RevokeCredential`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::{NOBODY, World, claims};

#[tokio::test]
async fn the_tokens_of_a_revoked_secret_are_refused_and_those_of_another_are_not() {
    let world = World::start().await;
    let made = application(&world, &world.admin, json!({"name": "midaz"})).await;
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    let path = format!("/v1/applications/{}/credentials", text("id"));
    let second = world.post(&world.admin, &path, json!({})).await;
    let second = second.is(201)["clientSecret"].as_str().unwrap().to_owned();
    let client = world.anonymous().await;
    let (id, first) = (text("clientId"), text("clientSecret"));
    let old = client.client_token(&id, &first).await.unwrap();
    let new = client.client_token(&id, &second).await.unwrap();
    let info = async |token: &str| {
        let request = world
            .request(Method::GET, "/v1/userinfo")
            .bearer_auth(token);
        world.send(request).await
    };
    info(old.access_token()).await.is(200);
    let id = claims(old.access_token())["sid"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = world.delete(&world.admin, &format!("{path}/{id}")).await;
    assert!(answer.is(204).is_null());
    info(old.access_token())
        .await
        .refuses(ErrorReason::CredentialRevoked);
    info(new.access_token()).await.is(200);
    let body = json!({
        "grantType": "client_credentials",
        "clientId": made["clientId"], "clientSecret": made["clientSecret"],
    });
    let buys = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    buys.refuses(ErrorReason::ClientInvalid);
    let event = world.audit(&answer, "application.revoke_credential").await;
    assert_eq!(
        (&event["targetId"], &event["before"]["id"]),
        (&made["id"], &json!(id))
    );
    let again = world.delete(&world.admin, &format!("{path}/{id}")).await;
    again.refuses(ErrorReason::NotFound);
}

#[tokio::test]
async fn a_secret_is_revoked_through_its_own_application_only() {
    let world = World::start().await;
    let (one, two) = (
        world.machine("one", &[]).await,
        world.machine("two", &[]).await,
    );
    let id = claims(&one.token)["sid"].as_str().unwrap().to_owned();
    let path = format!("/v1/applications/{}/credentials/{id}", two.id);
    let answer = world.delete(&world.admin, &path).await;
    answer.refuses(ErrorReason::NotFound);
    world.get(&one, "/v1/userinfo").await.is(200);
    let path = format!("/v1/applications/{}/credentials/{NOBODY}", one.id);
    let unknown = world.delete(&world.admin, &path).await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, &path, json!({})).await;
}
