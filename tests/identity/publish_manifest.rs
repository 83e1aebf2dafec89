//! `PublishManifest`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::application;
use crate::world::{Actor, Answer, World};

const PATH: &str = "/v1/declarations/tracer";

/// A product as its own file says it, with the names that Lerian's manifests have.
fn tracer(version: &str) -> Value {
    json!({
        "service": "tracer", "version": version,
        "roles": [{"name": "tracer-editor-role", "granted_to": [
            {"group": "tracer-editor-group"}, {"group": "admin-group"},
        ]}],
        "permissions": [
            {"resource": "reservations", "action": "get", "roles": ["tracer-editor-role"]},
            {"resource": "reservations", "action": "post", "effect": "allow", "roles": []},
        ],
        "m2m": {"exposed": true, "needs": ["midaz"]},
    })
}

async fn publish(world: &World, actor: &Actor, path: &str, body: Value) -> Answer {
    world.call(actor, Method::PUT, path, body).await
}

#[tokio::test]
async fn a_manifest_is_felt_in_every_organization() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let unknown = world
        .authorize(&owner, "tracer", "reservations", "get")
        .await;
    assert_eq!(unknown.is(200)["reason"], "unknown_product");
    let answer = publish(&world, &world.admin, PATH, tracer("1")).await;
    let publication = answer.is(200);
    assert_eq!(
        (&publication["slug"], &publication["changed"]),
        (&json!("tracer"), &json!(true))
    );
    assert_eq!(publication["hash"].as_str().unwrap().len(), 64);
    let event = world.audit(&answer, "manifest.publish").await;
    assert_eq!(
        (&event["targetType"], &event["targetId"]),
        (&json!("manifest"), &json!("tracer"))
    );
    assert!(world.may(&owner, "tracer", "reservations", "get").await);
    assert!(!world.may(&owner, "tracer", "reservations", "post").await);
    let group = world.get(&owner, "/v1/groups/tracer-editor-group").await;
    assert_eq!(group.is(200)["roles"], json!(["tracer-editor-role"]));
    let later = world.organization("butchery").await;
    assert!(world.may(&later, "tracer", "reservations", "get").await);
}

#[tokio::test]
async fn the_same_content_again_changes_nothing() {
    let world = World::start().await;
    let first = publish(&world, &world.admin, PATH, tracer("1")).await;
    let before = world.get(&world.admin, PATH).await;
    let again = publish(&world, &world.admin, PATH, tracer("2")).await;
    assert_eq!(again.is(200)["changed"], false);
    assert_eq!(again.revision(), before.revision());
    for field in ["hash", "publishedAt", "manifest"] {
        assert_eq!(again.body[field], first.body[field], "{field}");
    }
}

#[tokio::test]
async fn routes_are_part_of_it() {
    let world = World::start().await;
    let with = |routes: Value| {
        let mut manifest = tracer("1");
        manifest["routes"] = routes;
        manifest
    };
    let get = json!({"resource": "reservations", "action": "get", "methods": ["GET", "HEAD"],
        "path": "/v1/ledgers/{ledger_id}/reservations", "grpc": ""});
    let post = json!({"resource": "reservations", "action": "post", "methods": [], "path": "",
        "grpc": "tracer.v1.Reservations/Create"});
    let routes = json!([get, post]);
    publish(&world, &world.admin, PATH, tracer("1"))
        .await
        .is(200);
    let answer = publish(&world, &world.admin, PATH, with(routes.clone())).await;
    assert_eq!(answer.is(200)["changed"], true);
    let manifest = world.get(&world.admin, PATH).await.is(200)["manifest"].clone();
    assert_eq!(manifest["routes"], routes);
    let mut other = get.clone();
    other["path"] = json!("/v1/ledgers/{id}/reservations");
    other["methods"] = json!(["HEAD"]);
    for (bad, detail) in [
        (other, "another route"),
        (
            json!({"resource": "reservations", "action": "get"}),
            "either",
        ),
        (
            json!({"resource": "reservations", "action": "put", "grpc": "a.B/C"}),
            "permissions",
        ),
    ] {
        let answer = publish(&world, &world.admin, PATH, with(json!([get, bad]))).await;
        let problem = answer.is(400);
        assert_eq!(problem["reason"], ErrorReason::ManifestInvalid.name());
        let told = problem["detail"].as_str().unwrap();
        assert!(
            told.contains("routes[1]") && told.contains(detail),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_an_administrator_added_stays() {
    let world = World::start().await;
    publish(&world, &world.admin, PATH, tracer("1"))
        .await
        .is(200);
    let alice = world.person("alice", &["tracer-editor-group"]).await;
    let added = "/v1/groups/tracer-editor-group/roles/midaz-viewer-role";
    world.put(&world.admin, added).await.is(204);
    let mut next = tracer("2");
    next["permissions"][1]["roles"] = json!(["tracer-editor-role"]);
    publish(&world, &world.admin, PATH, next).await.is(200);
    assert!(world.may(&alice, "tracer", "reservations", "post").await);
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
}

#[tokio::test]
async fn only_a_system_administrator_or_the_product_itself_publishes() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let tracer_of = async |actor: &Actor| {
        application(&world, actor, json!({"name": "tracer"})).await;
        world.machine_of(actor, "midaz", &[]).await
    };
    let other_product = tracer_of(&world.admin).await;
    let other_tenant = world.machine_of(&owner, "tracer", &[]).await;
    for refused in [&owner, &other_product, &other_tenant] {
        let answer = publish(&world, refused, PATH, tracer("1")).await;
        answer.refuses(ErrorReason::PermissionMissing);
    }
    let itself = world.machine_of(&world.admin, "reporter", &[]).await;
    let manifest = world.get(&world.admin, "/v1/declarations/reporter").await;
    let mut manifest = manifest.is(200)["manifest"].clone();
    manifest["permissions"][0]["roles"] = json!(["reporter-editor-role"]);
    let answer = publish(&world, &itself, "/v1/declarations/reporter", manifest).await;
    assert_eq!(answer.is(200)["changed"], true);
}

#[tokio::test]
async fn a_manifest_names_only_its_own_product() {
    let world = World::start().await;
    let refused = async |path: &str, body: Value, reason: ErrorReason| {
        let answer = publish(&world, &world.admin, path, body).await;
        answer.refuses(reason);
    };
    let invalid = ErrorReason::ManifestInvalid;
    refused("/v1/declarations/other", tracer("1"), invalid).await;
    let changed = |field: &str, value: Value| {
        let mut body = tracer("1");
        body[field] = value;
        body
    };
    refused(PATH, changed("aliases", json!(["midaz"])), invalid).await;
    refused(PATH, changed("aliases", json!(["gatepost"])), invalid).await;
    refused(
        PATH,
        changed("roles", json!([{"name": "midaz-editor-role"}])),
        invalid,
    )
    .await;
    let permission = json!([{"resource": "a/b", "action": "get"}]);
    refused(PATH, changed("permissions", permission), invalid).await;
    let effect = json!([{"resource": "a", "action": "get", "effect": "maybe"}]);
    refused(
        PATH,
        changed("permissions", effect),
        ErrorReason::InvalidRequest,
    )
    .await;
    let system = json!({"roles": [], "permissions": []});
    refused(
        "/v1/declarations/gatepost-system",
        system,
        ErrorReason::ManifestOwned,
    )
    .await;
    // Who nobody is comes before what is wrong with what she sends.
    let nobody = world
        .request(Method::PUT, "/v1/declarations/other")
        .json(&tracer("1"));
    world.send(nobody).await.refuses(ErrorReason::TokenMissing);
}

#[tokio::test]
async fn a_body_that_says_nothing_withdraws_nothing() {
    let world = World::start().await;
    publish(&world, &world.admin, PATH, tracer("1"))
        .await
        .is(200);
    let empty = publish(&world, &world.admin, PATH, json!({})).await;
    empty.refuses(ErrorReason::InvalidRequest);
    assert!(
        world
            .may(&world.admin, "tracer", "reservations", "get")
            .await
    );
    let named = json!({"service": "tracer"});
    let named = publish(&world, &world.admin, PATH, named).await;
    assert_eq!(named.is(200)["manifest"]["permissions"], json!([]));
    assert!(
        !world
            .may(&world.admin, "tracer", "reservations", "get")
            .await
    );
}
