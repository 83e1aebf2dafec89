//! `EndSession`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{is_guarded, role};
use crate::world::{Actor, NOBODY, World, claims};

fn path(actor: &Actor) -> String {
    format!(
        "/v1/sessions/{}",
        claims(&actor.token)["sid"].as_str().unwrap()
    )
}

#[tokio::test]
async fn every_token_of_an_ended_session_is_refused_and_no_other_is() {
    let world = World::start().await;
    let lost = world.person("alice", &[]).await;
    let kept = world.sign_in("alice").await;
    let answer = world.delete(&world.admin, &path(&lost)).await;
    assert!(answer.is(204).is_null());
    world
        .get(&lost, "/v1/userinfo")
        .await
        .refuses(ErrorReason::SessionEnded);
    let refresh = json!({"refreshToken": lost.refresh_token});
    let refresh = world
        .post_openly("/v1/login/oauth/refresh_token", refresh)
        .await;
    refresh.refuses(ErrorReason::RefreshTokenInvalid);
    world.get(&kept, "/v1/userinfo").await.is(200);
    let event = world.audit(&answer, "session.end").await;
    assert_eq!(event["targetId"], claims(&lost.token)["sid"]);
    let again = world.delete(&world.admin, &path(&lost)).await;
    again.is(204);
    assert_eq!(again.revision(), answer.revision(), "nothing changed");
}

#[tokio::test]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    let world = World::start().await;
    let lost = world.person("alice", &[]).await;
    let kept = world.sign_in("alice").await;
    world.delete(&kept, &path(&lost)).await.is(204);
    world
        .get(&lost, "/v1/userinfo")
        .await
        .refuses(ErrorReason::SessionEnded);
    let admins = path(&world.admin);
    let unknown = format!("/v1/sessions/{NOBODY}");
    // Whether there is such a session is not told.
    for foreign in [&admins, &unknown] {
        let refused = world.delete(&kept, foreign).await;
        refused.refuses(ErrorReason::PermissionMissing);
    }
    let refused = world.delete(&world.admin, &unknown).await;
    refused.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::DELETE, &admins, json!({})).await;
}

#[tokio::test]
async fn nobody_signs_out_who_may_do_more_than_she() {
    let world = World::start().await;
    role(
        &world,
        &world.admin,
        "clerk-role",
        "gatepost",
        &["sessions:get", "sessions:delete"],
    )
    .await;
    let clerk = world.person("clerk", &[]).await;
    let given = format!("/v1/users/{}/roles/clerk-role", clerk.id);
    world.put(&world.admin, &given).await.is(204);
    let refused = world.delete(&clerk, &path(&world.admin)).await;
    refused.refuses(ErrorReason::EscalationRefused);
    let alice = world.person("alice", &[]).await;
    world.delete(&clerk, &path(&alice)).await.is(204);
}
