//! `CreateOrganization`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use super::{is_guarded, new_user};
use crate::world::World;

const PATH: &str = "/v1/organizations";

fn new_organization(slug: &str) -> Value {
    let mut owner = new_user("olivia", &[]);
    owner.as_object_mut().unwrap().remove("groups");
    json!({"slug": slug, "name": "Bakery & Sons", "owner": owner})
}

#[tokio::test]
async fn a_new_organization_is_furnished_and_administered_by_its_owner() {
    let world = World::start_multi_tenant().await;
    let before = world.get(&world.admin, PATH).await;
    let answer = world
        .post(&world.admin, PATH, new_organization("bakery"))
        .await;
    let made = answer.is(201);
    let expected = json!({
        "id": made["id"], "slug": "bakery", "name": "Bakery & Sons", "status": "active",
        "createdAt": made["createdAt"], "accentColor": "", "passwordSignIn": true,
    });
    assert_eq!(*made, expected);
    assert!(
        answer.revision() > before.revision(),
        "the revision is the installation's"
    );
    let event = world.audit(&answer, "organization.create").await;
    assert_eq!((&event["targetId"], &event["after"]), (&made["id"], made));

    let olivia = world.sign_in("olivia").await;
    let user = world
        .get(&olivia, &format!("/v1/users/{}", olivia.id))
        .await;
    assert_eq!(user.is(200)["groups"], json!(["admin-group"]));
    let groups = world.get(&olivia, "/v1/groups?limit=100").await;
    assert_eq!(groups.is(200)["total"], 17);
    assert!(world.may(&olivia, "midaz", "accounts", "delete").await);
    assert!(
        !world
            .may(&olivia, "gatepost-system", "organizations", "get")
            .await
    );
    // Its own log begins with its creation, by somebody from outside.
    let log = world
        .get(&olivia, "/v1/audit-events?action=organization.create")
        .await;
    assert_eq!(log.is(200)["items"][0]["targetId"], made["id"]);
    assert_eq!(log.body["items"][0]["actorId"], *world.admin.id);
}

#[tokio::test]
async fn a_slug_is_unique_and_a_refused_organization_leaves_nothing() {
    let world = World::start_multi_tenant().await;
    world.organization("bakery").await;
    for taken in ["bakery", "system"] {
        let answer = world
            .post(&world.admin, PATH, new_organization(taken))
            .await;
        answer.refuses(ErrorReason::NameTaken);
    }
    for bad in ["Bakery", "-x", "a b", ""] {
        let answer = world.post(&world.admin, PATH, new_organization(bad)).await;
        answer.refuses(ErrorReason::InvalidRequest);
    }
    let mut weak = new_organization("butchery");
    weak["owner"]["password"] = json!("olivia");
    let weak = world.post(&world.admin, PATH, weak).await;
    weak.refuses(ErrorReason::PasswordRefused);
    let mut nobody = new_organization("butchery");
    nobody.as_object_mut().unwrap().remove("owner");
    let nobody = world.post(&world.admin, PATH, nobody).await;
    nobody.refuses(ErrorReason::InvalidRequest);
    let list = world.get(&world.admin, PATH).await;
    assert_eq!(list.is(200)["total"], 2);
}

#[tokio::test]
async fn only_system_administrators_create_organizations() {
    let world = World::start_multi_tenant().await;
    let olivia = world.organization("bakery").await;
    let foreign = world
        .post(&olivia, PATH, new_organization("butchery"))
        .await;
    foreign.refuses(ErrorReason::PermissionMissing);
    is_guarded(&world, Method::POST, PATH, new_organization("butchery")).await;
}

#[tokio::test]
async fn an_installation_for_one_organization_makes_no_other() {
    let world = World::start().await;
    let refused = world
        .post(&world.admin, PATH, new_organization("bakery"))
        .await;
    refused.refuses(ErrorReason::SingleTenant);
}
