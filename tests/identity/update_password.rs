//! `UpdatePassword`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Actor, NEXT_PASSWORD, NOBODY, PASSWORD, World};

fn path(actor: &Actor) -> String {
    format!("/v1/users/{}/update-password", actor.id)
}

fn body(old: &str, new: &str) -> Value {
    json!({"oldPassword": old, "newPassword": new})
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_not_the_callers() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let other = world.sign_in("alice").await;
    let answer = world
        .patch(&alice, &path(&alice), body(PASSWORD, NEXT_PASSWORD))
        .await;
    assert!(answer.is(204).is_null());
    world.get(&alice, "/v1/userinfo").await.is(200);
    world
        .get(&other, "/v1/userinfo")
        .await
        .refuses(ErrorReason::SessionEnded);
    let refresh = "/v1/login/oauth/refresh_token";
    let turned = json!({"refreshToken": other.refresh_token});
    let turned = world.post_openly(refresh, turned).await;
    turned.refuses(ErrorReason::RefreshTokenInvalid);
    let own = json!({"refreshToken": alice.refresh_token});
    world.post_openly(refresh, own).await.is(200);
    let client = world.anonymous().await;
    assert!(client.password_token("alice", NEXT_PASSWORD).await.is_ok());
    let old = client.password_token("alice", PASSWORD).await.unwrap_err();
    assert_eq!(old.reason(), Some(ErrorReason::CredentialsInvalid));
    let events = "/v1/audit-events?action=user.update_password";
    let events = world.get(&world.admin, events).await;
    let event = &events.is(200)["items"][0];
    assert_eq!(
        (&event["actorId"], &event["targetId"]),
        (&json!(alice.id), &json!(alice.id))
    );
    assert!(!event.to_string().contains("horse"), "{event}");
}

#[tokio::test]
async fn only_oneself_with_the_old_password_and_a_good_new_one() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let wrong = world
        .patch(&alice, &path(&alice), body("wrong", NEXT_PASSWORD))
        .await;
    wrong.refuses(ErrorReason::CredentialsInvalid);
    let weak = world
        .patch(&alice, &path(&alice), body(PASSWORD, "alice"))
        .await;
    weak.refuses(ErrorReason::PasswordRefused);
    let admin = world
        .patch(&world.admin, &path(&alice), body(PASSWORD, NEXT_PASSWORD))
        .await;
    admin.refuses(ErrorReason::NotOneself);
    let unknown = format!("/v1/users/{NOBODY}/update-password");
    let unknown = world
        .patch(&alice, &unknown, body(PASSWORD, NEXT_PASSWORD))
        .await;
    unknown.refuses(ErrorReason::NotOneself);
    let nobody = world
        .request(Method::PATCH, &path(&alice))
        .json(&body(PASSWORD, NEXT_PASSWORD));
    world.send(nobody).await.refuses(ErrorReason::TokenMissing);
    let machine = world.machine("midaz", &[]).await;
    let machine = world
        .patch(&machine, &path(&alice), body(PASSWORD, NEXT_PASSWORD))
        .await;
    machine.refuses(ErrorReason::PermissionMissing);
    // Nothing of this changed the password.
    world.sign_in("alice").await;
}

#[tokio::test]
async fn none_of_the_last_passwords_comes_back() {
    let world = World::start_with(&[("GATEPOST_PASSWORD_HISTORY", "3")]).await;
    let alice = world.person("alice", &[]).await;
    let change = async |old: &str, new: &str| {
        let answer = world.patch(&alice, &path(&alice), body(old, new)).await;
        if answer.status == 204 {
            return true;
        }
        answer.refuses(ErrorReason::PasswordRefused);
        let told = answer.body["detail"].as_str().unwrap();
        assert!(told.contains("none of the last 3"), "{told}");
        false
    };
    let (second, third) = ("the second password", "the third password");
    assert!(!change(PASSWORD, PASSWORD).await);
    assert!(change(PASSWORD, second).await);
    assert!(!change(second, PASSWORD).await);
    assert!(change(second, third).await);
    for old in [PASSWORD, second, third] {
        assert!(!change(third, old).await, "{old}");
    }
    // Three others later the first one is forgotten.
    assert!(change(third, "the fourth password").await);
    assert!(change("the fourth password", PASSWORD).await);
}

#[tokio::test]
async fn without_a_history_any_good_password_will_do() {
    let world = World::start_with(&[("GATEPOST_PASSWORD_HISTORY", "0")]).await;
    let alice = world.person("alice", &[]).await;
    for (old, new) in [
        (PASSWORD, PASSWORD),
        (PASSWORD, NEXT_PASSWORD),
        (NEXT_PASSWORD, PASSWORD),
    ] {
        let answer = world.patch(&alice, &path(&alice), body(old, new)).await;
        assert!(answer.is(204).is_null());
    }
}
