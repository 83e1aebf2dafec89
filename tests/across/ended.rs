//! A token whose user, application, credential, session or organization is gone or ended.

use std::time::Duration;

use gatepost_core::{Status, name};
use gatepost_proto::ErrorReason;
use serde_json::json;

use crate::world::{PASSWORD, World, claims};

#[tokio::test]
async fn a_token_expires() {
    let world = World::start().await;
    world.pass(Duration::from_secs(3590)).await;
    world.get(&world.admin, "/v1/userinfo").await.is(200);
    world.pass(Duration::from_secs(11)).await;
    let answer = world.get(&world.admin, "/v1/userinfo").await;
    answer.refuses(ErrorReason::TokenExpired);
    assert_eq!(answer.body["code"], "AUT-0007");
}

#[tokio::test]
async fn a_suspended_user_is_out_and_does_not_come_in() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    world
        .change(&world.admin, async |scope| {
            let mut user = scope
                .users()
                .by_username(&name::key("alice"))
                .await
                .unwrap()
                .unwrap();
            user.status = Status::Suspended;
            scope.users().update(&user).await.unwrap();
        })
        .await;
    world
        .get(&alice, "/v1/userinfo")
        .await
        .refuses(ErrorReason::UserSuspended);
    let body = json!({"grantType": "password", "username": "alice", "password": PASSWORD});
    let sign_in = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    sign_in.refuses(ErrorReason::UserSuspended);
    let body = json!({"refreshToken": alice.refresh_token});
    let refresh = world
        .post_openly("/v1/login/oauth/refresh_token", body)
        .await;
    refresh.refuses(ErrorReason::RefreshTokenInvalid);
}

#[tokio::test]
async fn a_suspended_application_is_out_and_a_revoked_secret_too() {
    let world = World::start().await;
    let (one, two) = (
        world.machine("one", &[]).await,
        world.machine("two", &[]).await,
    );
    let client_id = claims(&one.token)["azp"].clone();
    world
        .change(&world.admin, async |scope| {
            let applications = scope.applications();
            let mut suspended = applications.by_name("one").await.unwrap().unwrap();
            suspended.status = Status::Suspended;
            applications.update(&suspended).await.unwrap();
            let id = two.id.parse().unwrap();
            let credential = applications.credentials(id).await.unwrap()[0].id;
            applications
                .remove_credential(id, credential)
                .await
                .unwrap();
        })
        .await;
    let suspended = world.get(&one, "/v1/userinfo").await;
    suspended.refuses(ErrorReason::ApplicationSuspended);
    let revoked = world.get(&two, "/v1/userinfo").await;
    revoked.refuses(ErrorReason::CredentialRevoked);
    // Only who has the secret learns that the application is suspended.
    let body = json!({
        "grantType": "client_credentials", "clientId": client_id, "clientSecret": "gps_wrong",
    });
    let stranger = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    stranger.refuses(ErrorReason::ClientInvalid);
}

#[tokio::test]
async fn nobody_of_a_suspended_organization_comes_in() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let machine = world.machine_of(&owner, "midaz", &[]).await;
    world
        .change(&world.admin, async |scope| {
            let mut bakery = scope
                .organizations()
                .by_slug("bakery")
                .await
                .unwrap()
                .unwrap();
            bakery.status = Status::Suspended;
            scope.organizations().update(&bakery).await.unwrap();
        })
        .await;
    for actor in [&owner, &machine] {
        let answer = world.get(actor, "/v1/userinfo").await;
        answer.refuses(ErrorReason::OrganizationSuspended);
    }
    let body = json!({
        "grantType": "password", "username": "admin-of-bakery", "password": PASSWORD,
    });
    let sign_in = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    sign_in.refuses(ErrorReason::OrganizationSuspended);
}
