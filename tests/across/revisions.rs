//! Every read and write tells its revision, and no answer is older than asked.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_write_raises_the_revision_by_one_and_a_read_does_not() {
    let world = World::start().await;
    let read = async || world.get(&world.admin, "/v1/groups").await.revision();
    let before = read().await;
    assert_eq!(read().await, before);
    let made = world
        .post(&world.admin, "/v1/groups", json!({"name": "team"}))
        .await;
    assert_eq!(made.revision(), before + 1);
    let path = "/v1/groups/team";
    let changed = world
        .patch(&world.admin, path, json!({"name": "crew"}))
        .await;
    assert_eq!(changed.revision(), before + 2);
    let refused = world.delete(&world.admin, "/v1/groups/admin-group").await;
    refused.refuses(ErrorReason::ManifestOwned);
    assert_eq!(read().await, before + 2);
}

#[tokio::test]
async fn organizations_count_each_for_itself() {
    let world = World::start_multi_tenant().await;
    let (bakery, butchery) = (
        world.organization("bakery").await,
        world.organization("butchery").await,
    );
    let revision = async |actor| world.get(actor, "/v1/groups").await.revision();
    let before = (revision(&bakery).await, revision(&butchery).await);
    world
        .post(&bakery, "/v1/groups", json!({"name": "team"}))
        .await
        .is(201);
    let after = (revision(&bakery).await, revision(&butchery).await);
    assert_eq!(after, (before.0 + 1, before.1));
}

#[tokio::test]
async fn no_answer_is_older_than_asked() {
    let world = World::start().await;
    let ask = async |method: Method, path: &str, least: &str| {
        let request = world.request(method, path).bearer_auth(&world.admin.token);
        let request = request.header("gatepost-min-revision", least);
        world.send(request).await
    };
    for path in [
        "/v1/users",
        "/v1/groups/admin-group",
        "/v1/userinfo",
        "/v1/permissions",
        "/v1/audit-events",
        "/v1/organizations",
        "/v1/declarations/midaz",
    ] {
        let known = ask(Method::GET, path, "1").await;
        known.is(200);
        let same = ask(Method::GET, path, known.header("gatepost-revision")).await;
        same.is(200);
        let ahead = ask(Method::GET, path, "1000000").await;
        assert_eq!(ahead.status, 503, "{path}");
        ahead.refuses(ErrorReason::RevisionAhead);
        assert_eq!(ahead.header("retry-after"), "1");
        ask(Method::GET, path, "soon")
            .await
            .refuses(ErrorReason::InvalidRequest);
    }
    let write = ask(Method::DELETE, "/v1/groups/nowhere", "1000000").await;
    write.refuses(ErrorReason::RevisionAhead);
}
