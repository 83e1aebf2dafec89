//! Ways from one organization to the rule over all of them.

use gatepost_core::{Effect, GrantSubject, RoleId, RolePermission};
use gatepost_store::{Grant, Role, Scope};
use reqwest::Method;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::calls::make;
use crate::escalation::{assert_escalation, limited, patch, put};
use crate::wire::assert_problem;
use crate::world::World;

#[tokio::test]
async fn a_group_made_beforehand_gets_nothing_from_a_manifest_of_its_name() {
    let world = World::start().await;
    let me = limited(&world).await;
    make(
        &world,
        &me,
        "/v1/groups",
        json!({"name": "widget-editor-group"}),
    )
    .await;
    let path = format!("/v1/groups/widget-editor-group/members/{}", me.id);
    assert_eq!(put(&world, &me, &path).await.status.as_u16(), 204);
    let manifest = json!({
        "version": "1",
        "roles": [{"name": "widget-editor-role", "grantedTo": [
            {"group": "widget-editor-group"}, {"group": "widget-viewer-group"},
        ]}],
        "permissions": [{"resource": "things", "action": "get", "roles": ["widget-editor-role"]}],
    });
    let answer = world
        .call(
            &world.admin,
            Method::PUT,
            "/v1/declarations/widget",
            manifest,
        )
        .await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    let no = world.authorize(&me, "widget", "things", "get").await;
    assert_eq!(no.body["authorized"], false, "{}", no.body);
    let made = world.get(&me, "/v1/groups/widget-viewer-group").await;
    assert_eq!(
        made.body["roles"],
        json!(["widget-editor-role"]),
        "{}",
        made.body
    );
}

#[tokio::test]
async fn no_application_takes_a_products_name_in_the_system_organization() {
    let world = World::start_multi_tenant().await;
    let me = limited(&world).await;
    for name in ["midaz", "gatepost", "a-product-of-tomorrow"] {
        let body = json!({"name": name, "roles": ["limited"]});
        let made = world
            .call(&me, Method::POST, "/v1/applications", body)
            .await;
        assert_escalation(&made, name);
    }
    let harmless = make(
        &world,
        &me,
        "/v1/applications",
        json!({"name": "A machine"}),
    )
    .await;
    let path = format!("/v1/applications/{}", harmless["id"].as_str().unwrap());
    assert_escalation(
        &patch(&world, &me, &path, json!({"name": "midaz"})).await,
        "renamed",
    );
    // What rules Gatepost itself is part of the program, whoever asks.
    for slug in ["gatepost", "gatepost-system", "plugin-identity"] {
        let everyone = json!({
            "version": "666",
            "roles": [{"name": "gatepost-everyone-role", "everyone": true}],
            "permissions": [
                {"resource": "users", "action": "get", "roles": ["gatepost-everyone-role"]},
            ],
        });
        let path = format!("/v1/declarations/{slug}");
        let answer = world.call(&world.admin, Method::PUT, &path, everyone).await;
        assert_problem(&answer, slug);
    }
}

#[tokio::test]
async fn no_wildcard_of_gatepost_reaches_the_installation() {
    let world = World::start_multi_tenant().await;
    let alpha = world.organization("alpha").await;
    // Nobody could be given these over the API, so they go straight into the database.
    let me = GrantSubject::User(alpha.id.parse().unwrap());
    let give_everything = async |tx: &Scope| {
        for (number, product) in [(1, "gatepost"), (2, "midaz"), (3, "gatepost-system")] {
            let role = everything(number, product);
            tx.roles().insert(&role).await.unwrap();
            let grant = Grant::plain(me, role.id);
            tx.grants().give(&grant).await.unwrap();
        }
    };
    world.change(&alpha, give_everything).await;
    let yes = world
        .authorize(&alpha, "gatepost", "anything", "at-all")
        .await;
    assert_eq!(yes.body["authorized"], true, "{}", yes.body);
    let no = world.get(&alpha, "/v1/organizations").await;
    assert_eq!(no.reason(), "PERMISSION_MISSING", "{}", no.body);
    let no = world
        .authorize(&alpha, "gatepost-system", "organizations", "get")
        .await;
    assert_eq!(no.body["authorized"], false, "{}", no.body);
    let body = json!({"version": "9"});
    let no = world
        .call(&alpha, Method::PUT, "/v1/declarations/midaz", body)
        .await;
    assert_eq!(no.reason(), "PERMISSION_MISSING", "{}", no.body);
}

/// A role that allows all of a product.
fn everything(number: u128, product: &str) -> Role {
    let all = RolePermission {
        resource: "*".to_owned(),
        action: "*".to_owned(),
        effect: Effect::Allow,
    };
    Role {
        id: RoleId::new(Uuid::from_u128(number)),
        product: product.to_owned(),
        name: format!("everything-{number}"),
        name_key: format!("everything-{number}"),
        description: String::new(),
        permissions: vec![all],
        built_in: false,
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}
