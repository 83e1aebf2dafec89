//! `GetManifest`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::is_guarded;
use crate::world::{World, fields};

#[tokio::test]
async fn a_manifest_is_found_by_slug_and_by_alias() {
    let world = World::start().await;
    let answer = world.get(&world.admin, "/v1/declarations/routing").await;
    let body = answer.is(200);
    let all = [
        "changed",
        "hash",
        "manifest",
        "publishedAt",
        "slug",
        "version",
    ];
    assert_eq!(fields(body), all);
    let manifest = &body["manifest"];
    let all = [
        "aliases",
        "m2m",
        "permissions",
        "roles",
        "routes",
        "service",
        "version",
    ];
    assert_eq!(fields(manifest), all);
    let editor = json!({
        "name": "routing-editor-role", "everyone": false, "machines": ["routing", "midaz"],
        "grantedTo": [{"group": "routing-editor-group"}, {"group": "admin-group"}],
    });
    assert_eq!(manifest["roles"][0], editor);
    for (alias, slug) in [
        ("plugin-identity", "gatepost"),
        ("plugin-smart-templates", "reporter"),
    ] {
        let answer = world
            .get(&world.admin, &format!("/v1/declarations/{alias}"))
            .await;
        assert_eq!(answer.is(200)["slug"], *slug);
    }
}

#[tokio::test]
async fn an_unknown_product_has_no_manifest() {
    let world = World::start().await;
    let unknown = world.get(&world.admin, "/v1/declarations/nowhere").await;
    unknown.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::GET, "/v1/declarations/midaz", json!({})).await;
}
