//! `UpdateUser`.

use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::UpdateUserRequest;
use gatepost_proto::mask::FieldMask;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, role};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn only_what_the_body_names_changes() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let path = format!("/v1/users/{}", alice.id);
    let before = world.get(&world.admin, &path).await;
    let answer = world
        .patch(&world.admin, &path, json!({"firstName": "Alicia"}))
        .await;
    assert!(answer.is(204).is_null());
    assert!(answer.revision() > before.revision());
    let mut expected = before.body.clone();
    expected["firstName"] = json!("Alicia");
    let after = world.get(&world.admin, &path).await;
    assert_eq!(after.body, expected);
    let event = world.audit(&answer, "user.update").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &expected)
    );
}

#[tokio::test]
async fn a_list_that_is_given_replaces_the_whole_and_an_empty_one_clears() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let path = format!("/v1/users/{}", alice.id);
    let replaced = json!({"groups": ["reporter-viewer-group"]});
    world.patch(&world.admin, &path, replaced).await.is(204);
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    assert!(world.may(&alice, "reporter", "reports", "get").await);
    world
        .patch(&world.admin, &path, json!({"groups": []}))
        .await
        .is(204);
    let user = world.get(&world.admin, &path).await;
    assert_eq!(user.is(200)["groups"], json!([]));
    assert!(!world.may(&alice, "reporter", "reports", "get").await);
}

#[tokio::test]
async fn over_grpc_the_mask_says_what_changes() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let mut request = UpdateUserRequest {
        id: alice.id.clone(),
        first_name: "Alicia".to_owned(),
        last_name: "Ignored".to_owned(),
        update_mask: Some(FieldMask {
            paths: vec!["first_name".into(), "groups".into()],
        }),
        ..UpdateUserRequest::default()
    };
    world
        .admin
        .client
        .users()
        .update_user(request.clone())
        .await
        .unwrap();
    let user = world
        .get(&world.admin, &format!("/v1/users/{}", alice.id))
        .await;
    let user = user.is(200);
    assert_eq!(
        (&user["firstName"], &user["lastName"]),
        (&json!("Alicia"), &json!("alice"))
    );
    assert_eq!(user["groups"], json!([]));
    request.update_mask = Some(FieldMask {
        paths: vec!["username".into()],
    });
    let refused = world
        .admin
        .client
        .users()
        .update_user(request)
        .await
        .unwrap_err();
    assert_eq!(ErrorReason::of(&refused), Some(ErrorReason::InvalidRequest));
}

#[tokio::test]
async fn names_stay_unique_and_the_username_stays() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    world.person("bob", &[]).await;
    let path = format!("/v1/users/{}", alice.id);
    let taken = world
        .patch(&world.admin, &path, json!({"email": "BOB@example.com"}))
        .await;
    taken.refuses(ErrorReason::NameTaken);
    for body in [
        json!({"username": "x"}),
        json!({"password": "x"}),
        json!({"firstName": ""}),
    ] {
        let refused = world.patch(&world.admin, &path, body).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    let unknown = format!("/v1/users/{NOBODY}");
    let answer = world
        .patch(&world.admin, &unknown, json!({"firstName": "x"}))
        .await;
    answer.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::PATCH, &path, json!({"firstName": "x"})).await;
}

#[tokio::test]
async fn a_suspended_user_is_out_until_she_is_active_again() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let path = format!("/v1/users/{}", alice.id);
    let suspended = json!({"status": "suspended"});
    world
        .patch(&world.admin, &path, suspended.clone())
        .await
        .is(204);
    let refused = world.authorize(&alice, "midaz", "accounts", "get").await;
    refused.refuses(ErrorReason::UserSuspended);
    let user = world.get(&world.admin, &path).await;
    assert_eq!(user.is(200)["status"], "suspended");
    world
        .patch(&world.admin, &path, json!({"status": "active"}))
        .await
        .is(204);
    // Whoever held the old session does not have it back.
    let old = world.authorize(&alice, "midaz", "accounts", "get").await;
    old.refuses(ErrorReason::SessionEnded);
    let refresh = json!({"refreshToken": alice.refresh_token});
    let path_of_refresh = "/v1/login/oauth/refresh_token";
    let refused = world.post_openly(path_of_refresh, refresh).await;
    refused.refuses(ErrorReason::RefreshTokenInvalid);
    let alice = world.sign_in("alice").await;
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    for bad in [json!({"status": ""}), json!({"status": "asleep"})] {
        let refused = world.patch(&world.admin, &path, bad).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    let oneself = format!("/v1/users/{}", world.admin.id);
    let refused = world.patch(&world.admin, &oneself, suspended).await;
    refused.refuses(ErrorReason::InvalidRequest);
}

#[tokio::test]
async fn nobody_suspends_who_may_do_more_than_she() {
    let world = World::start().await;
    role(
        &world,
        &world.admin,
        "clerk-role",
        "gatepost",
        &["users:patch"],
    )
    .await;
    let clerk = world.person("clerk", &[]).await;
    let given = format!("/v1/users/{}/roles/clerk-role", clerk.id);
    world.put(&world.admin, &given).await.is(204);
    let admin = format!("/v1/users/{}", world.admin.id);
    let suspended = json!({"status": "suspended"});
    let refused = world.patch(&clerk, &admin, suspended.clone()).await;
    refused.refuses(ErrorReason::EscalationRefused);
    let alice = world.person("alice", &[]).await;
    let alice = format!("/v1/users/{}", alice.id);
    world.patch(&clerk, &alice, suspended).await.is(204);
}
