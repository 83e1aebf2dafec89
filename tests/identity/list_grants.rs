//! `ListGrants`.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::{after, group, is_guarded};
use crate::world::{NOBODY, World, fields};

const HOUR: Duration = Duration::from_hours(1);

async fn list(world: &World, query: &str) -> Value {
    let answer = world
        .get(&world.admin, &format!("/v1/grants?{query}"))
        .await;
    answer.is(200).clone()
}

#[tokio::test]
async fn a_grant_is_shown_with_its_terms_also_when_it_has_expired() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    let expires_at = after(HOUR);
    let terms = json!({
        "expiresAt": expires_at,
        "limits": [
            {"attribute": "organization_id", "values": ["a"]},
            {"attribute": "ledger_id", "values": ["2", "1", "2"]},
        ],
    });
    world
        .call(&world.admin, Method::PUT, &path, terms)
        .await
        .is(204);
    let shown = list(&world, &format!("subjectId={}", alice.id)).await;
    assert_eq!(fields(&shown), ["items", "limit", "nextPageToken"]);
    let role = world.get(&world.admin, "/v1/roles/midaz-viewer-role").await;
    let expected = json!({
        "subjectType": "user", "subjectId": alice.id, "roleId": role.is(200)["id"],
        "role": "midaz-viewer-role", "product": "midaz", "expiresAt": expires_at,
        "limits": [
            {"attribute": "ledger_id", "values": ["1", "2"]},
            {"attribute": "organization_id", "values": ["a"]},
        ],
    });
    assert_eq!(shown["items"], json!([expected]));
    world.pass(HOUR * 2).await;
    let admin = world.sign_in("admin").await;
    let later = world
        .get(&admin, &format!("/v1/grants?subjectId={}", alice.id))
        .await;
    assert_eq!(later.is(200)["items"], json!([expected]));
}

#[tokio::test]
async fn grants_are_narrowed_and_walked() {
    let world = World::start().await;
    let team = group(&world, &world.admin, "team", &[]).await;
    for role in ["midaz-viewer-role", "reporter-viewer-role"] {
        let path = format!("/v1/groups/team/roles/{role}");
        world.put(&world.admin, &path).await.is(204);
    }
    let of_team = list(&world, &format!("subjectId={team}&limit=100")).await;
    let of_team = of_team["items"].as_array().unwrap().clone();
    assert_eq!(of_team.len(), 2);
    assert!(of_team.iter().all(|grant| grant["expiresAt"].is_null()));
    let both = format!("subjectId={team}&role=midaz-viewer-role");
    assert_eq!(
        list(&world, &both).await["items"].as_array().unwrap().len(),
        1
    );
    let of_role = list(&world, "role=midaz-viewer-role&limit=100").await;
    let names = of_role["items"].as_array().unwrap().iter();
    assert!(
        names
            .clone()
            .all(|grant| grant["role"] == "midaz-viewer-role")
    );
    assert!(names.count() > 1, "the built-in group has it too");
    let whole = list(&world, "limit=100").await["items"].clone();
    let (mut walked, mut place) = (Vec::new(), String::new());
    loop {
        let part = list(&world, &format!("limit=3&pageToken={place}")).await;
        walked.extend(part["items"].as_array().unwrap().clone());
        part["nextPageToken"]
            .as_str()
            .unwrap()
            .clone_into(&mut place);
        if place.is_empty() {
            break;
        }
    }
    assert_eq!(Value::Array(walked), whole);
    let nobody = list(&world, &format!("subjectId={NOBODY}")).await;
    assert_eq!(nobody["items"], json!([]));
}

#[tokio::test]
async fn what_narrows_must_be_there_or_have_its_form() {
    let world = World::start().await;
    let unknown = world.get(&world.admin, "/v1/grants?role=nowhere").await;
    unknown.refuses(ErrorReason::NotFound);
    for bad in [
        "subjectId=alice",
        "pageToken=nonsense",
        "limit=101",
        "page=1",
    ] {
        let answer = world.get(&world.admin, &format!("/v1/grants?{bad}")).await;
        answer.refuses(ErrorReason::InvalidRequest);
    }
    is_guarded(&world, Method::GET, "/v1/grants", json!({})).await;
}
