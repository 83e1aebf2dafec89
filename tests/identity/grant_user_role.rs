//! `GrantUserRole`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{after, is_guarded};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_user_may_what_her_role_allows() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    let answer = world.put(&world.admin, &path).await;
    assert!(answer.is(204).is_null());
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    let event = world.audit(&answer, "user.grant_role").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("user"), &json!(alice.id))
    );
    let role = world.get(&world.admin, "/v1/roles/midaz-viewer-role").await;
    let role = role.is(200)["id"].as_str().unwrap();
    assert!(
        event["after"].to_string().contains(role),
        "the log names the role: {event}"
    );
    let by_id = path.replace("midaz-viewer-role", role);
    let again = world.put(&world.admin, &by_id).await;
    again.is(204);
    assert_eq!(again.revision(), answer.revision(), "nothing changed");
}

#[tokio::test]
async fn holder_and_role_must_be_there() {
    let world = World::start().await;
    let path = format!("/v1/users/{NOBODY}/roles/midaz-viewer-role");
    world
        .put(&world.admin, &path)
        .await
        .refuses(ErrorReason::NotFound);
    let id = &world.admin.id;
    let unknown = format!("/v1/users/{id}/roles/nowhere");
    world
        .put(&world.admin, &unknown)
        .await
        .refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::PUT, &path, json!({})).await;
}

#[tokio::test]
async fn giving_again_replaces_the_terms_and_is_audited() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    let put =
        async |terms: serde_json::Value| world.call(&world.admin, Method::PUT, &path, terms).await;
    let terms = json!({
        "expiresAt": after(Duration::from_hours(1)),
        "limits": [{"attribute": "ledger_id", "values": ["1", "2"]}],
    });
    let first = put(terms.clone()).await;
    first.is(204);
    let same = json!({
        "expiresAt": terms["expiresAt"],
        "limits": [{"attribute": "ledger_id", "values": ["2", "1", "1"]}],
    });
    assert_eq!(
        put(same).await.revision(),
        first.revision(),
        "nothing changed"
    );
    let second = put(json!({})).await;
    assert!(second.revision() > first.revision());
    let event = world.audit(&second, "user.grant_role").await;
    assert_eq!(event["before"]["limits"], terms["limits"]);
    assert!(event["before"]["until"].is_number(), "{event}");
    assert!(event["after"]["until"].is_null(), "{event}");
    assert!(event["after"]["limits"].is_null(), "{event}");
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    // As clients always did: without any body.
    let request = world
        .request(Method::PUT, &path)
        .bearer_auth(&world.admin.token);
    let bare = world.send(request).await;
    assert!(bare.is(204).is_null());
    assert_eq!(bare.revision(), second.revision());
}

#[tokio::test]
async fn what_has_expired_is_taken_like_anything_else() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    let terms = json!({"expiresAt": after(Duration::from_mins(10))});
    world
        .call(&world.admin, Method::PUT, &path, terms)
        .await
        .is(204);
    world.pass(Duration::from_mins(11)).await;
    world.delete(&world.admin, &path).await.is(204);
    let list = world
        .get(&world.admin, &format!("/v1/grants?subjectId={}", alice.id))
        .await;
    assert_eq!(list.is(200)["items"], json!([]));
}

#[tokio::test]
async fn terms_that_are_none_are_refused() {
    let world = World::start().await;
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", world.admin.id);
    let limit =
        |attribute: &str, values: &[&str]| json!({"attribute": attribute, "values": values});
    for bad in [
        json!({"expiresAt": after(Duration::ZERO)}),
        json!({"expiresAt": "1970-01-01T00:00:00Z"}),
        json!({"expiresAt": "tomorrow"}),
        json!({"limits": [limit("ledger_id", &[])]}),
        json!({"limits": [limit("", &["1"])]}),
        json!({"limits": [limit("ledger id", &["1"])]}),
        json!({"limits": [limit("*", &["1"])]}),
        json!({"limits": [limit("ledger_id", &["1"]), limit("ledger_id", &["2"])]}),
    ] {
        let refused = world.call(&world.admin, Method::PUT, &path, bad).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    let past = json!({"expiresAt": "2001-01-01T00:00:00Z"});
    let past = world.call(&world.admin, Method::PUT, &path, past).await;
    assert!(past.body.to_string().contains("expiresAt"), "{}", past.body);
}
