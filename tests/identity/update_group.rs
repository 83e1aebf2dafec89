//! `UpdateGroup`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{group, is_guarded};
use crate::world::{NOBODY, World};

#[tokio::test]
async fn a_name_or_the_groups_inside_change_alone() {
    let world = World::start().await;
    group(&world, &world.admin, "inner", &[]).await;
    let id = group(&world, &world.admin, "outer", &["inner"]).await;
    let path = format!("/v1/groups/{id}");
    let before = world.get(&world.admin, &path).await;
    let answer = world
        .patch(&world.admin, &path, json!({"name": "around"}))
        .await;
    let mut expected = before.body.clone();
    expected["name"] = json!("around");
    assert_eq!(*answer.is(200), expected);
    let event = world.audit(&answer, "group.update").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &expected)
    );
    let answer = world
        .patch(&world.admin, "/v1/groups/around", json!({"groups": []}))
        .await;
    expected["groups"] = json!([]);
    assert_eq!(*answer.is(200), expected);
}

#[tokio::test]
async fn groups_give_their_roles_to_the_groups_inside_them() {
    let world = World::start().await;
    group(&world, &world.admin, "team", &[]).await;
    group(&world, &world.admin, "department", &["team"]).await;
    let alice = world.person("alice", &["team"]).await;
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    let path = "/v1/groups/midaz-viewer-group";
    world
        .patch(&world.admin, path, json!({"groups": ["department"]}))
        .await
        .is(200);
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    world
        .patch(&world.admin, path, json!({"groups": []}))
        .await
        .is(200);
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
}

#[tokio::test]
async fn groups_nest_without_cycles_and_not_too_deep() {
    let world = World::start().await;
    group(&world, &world.admin, "level-0", &[]).await;
    for level in 1..=16 {
        let inner = format!("level-{}", level - 1);
        group(&world, &world.admin, &format!("level-{level}"), &[&inner]).await;
    }
    let deeper = json!({"name": "level-17", "groups": ["level-16"]});
    let deeper = world.post(&world.admin, "/v1/groups", deeper).await;
    deeper.refuses(ErrorReason::GroupTooDeep);
    for (group, inside) in [("level-0", "level-0"), ("level-0", "level-2")] {
        let path = format!("/v1/groups/{group}");
        let cycle = world
            .patch(&world.admin, &path, json!({"groups": [inside]}))
            .await;
        cycle.refuses(ErrorReason::GroupCycle);
    }
}

#[tokio::test]
async fn what_a_manifest_declares_keeps_its_name() {
    let world = World::start().await;
    let path = "/v1/groups/admin-group";
    let owned = world
        .patch(&world.admin, path, json!({"name": "bosses"}))
        .await;
    owned.refuses(ErrorReason::ManifestOwned);
    group(&world, &world.admin, "team", &[]).await;
    let taken = world
        .patch(
            &world.admin,
            "/v1/groups/team",
            json!({"name": "Admin-Group"}),
        )
        .await;
    taken.refuses(ErrorReason::NameTaken);
    let like_id = world
        .patch(&world.admin, "/v1/groups/team", json!({"name": NOBODY}))
        .await;
    like_id.refuses(ErrorReason::InvalidRequest);
    let unknown = world
        .patch(&world.admin, "/v1/groups/nowhere", json!({"name": "x"}))
        .await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(
        &world,
        Method::PATCH,
        "/v1/groups/team",
        json!({"name": "x"}),
    )
    .await;
}
