//! `Explain`.

use gatepost_core::explain::{Remedy, required_permission};
use gatepost_core::{ApplicationId, GroupId, RoleId, Subject, UserId};
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::ExplainRequest;
use gatepost_proto::identity::v1::{
    AddGroupMemberRequest, GrantApplicationRoleRequest, GrantUserRoleRequest,
};
use gatepost_proto::rpc::{Access, Rpc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::identity::{group, role};
use crate::world::{Actor, Answer, World};

const PATH: &str = "/v1/authorize:explain";

/// What the administrator is told of somebody's question about midaz.
async fn explained(world: &World, of: &Actor, resource: &str, action: &str) -> Answer {
    let body = json!({
        "sub": format!("default/{}", of.id), "product": "midaz", "resource": resource,
        "action": action,
    });
    world.post(&world.admin, PATH, body).await
}

/// Names of records.
fn names(records: &Value) -> Vec<&str> {
    let records = records.as_array().unwrap().iter();
    records
        .map(|record| record["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_ways_to_a_yes_are_told_the_shortest_first() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    group(&world, &world.admin, "auditors", &["midaz-viewer-group"]).await;
    let path = "/v1/groups/auditors/roles/midaz-viewer-role";
    world.put(&world.admin, path).await.is(204);
    let answer = explained(&world, &alice, "accounts", "get").await;
    let body = answer.is(200);
    assert_eq!(
        (&body["authorized"], &body["reason"]),
        (&json!(true), &json!("granted"))
    );
    assert_eq!(
        (&body["redacted"], &body["missing"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(body["revision"], *answer.header("gatepost-revision"));
    let paths = body["paths"].as_array().unwrap();
    let groups: Vec<Vec<&str>> = paths.iter().map(|path| names(&path["groups"])).collect();
    assert_eq!(
        groups,
        [
            vec!["midaz-viewer-group"],
            vec!["midaz-viewer-group", "auditors"]
        ]
    );
    for path in paths {
        assert_eq!(path["role"]["name"], "midaz-viewer-role");
        assert_eq!(path["permission"], "midaz/accounts:get");
        assert_eq!(
            (&path["effect"], &path["everyone"]),
            (&json!("allow"), &json!(false))
        );
    }
    let own = json!({"product": "gatepost", "resource": "update-password", "action": "patch"});
    let everyone = world.post(&world.admin, PATH, own).await;
    assert_eq!(everyone.is(200)["paths"][0]["everyone"], true);
    // The same over gRPC.
    let request = ExplainRequest {
        sub: format!("default/{}", alice.id),
        product: "midaz".into(),
        resource: "accounts".into(),
        action: "get".into(),
        ..ExplainRequest::default()
    };
    let told = world
        .admin
        .client
        .authorize()
        .explain(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(told.paths.len(), 2);
    assert_eq!(told.paths[1].groups[1].name, "auditors");
}

#[tokio::test]
async fn a_denial_shows_what_denies_and_offers_nothing() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    role(
        &world,
        &world.admin,
        "no-accounts",
        "midaz",
        &["!accounts:*"],
    )
    .await;
    let path = format!("/v1/users/{}/roles/no-accounts", alice.id);
    world.put(&world.admin, &path).await.is(204);
    let answer = explained(&world, &alice, "accounts", "get").await;
    let body = answer.is(200);
    assert_eq!(body["reason"], "denied");
    let paths = body["paths"].as_array().unwrap();
    assert_eq!(paths.len(), 1);
    assert_eq!(paths[0]["permission"], "midaz/accounts:*");
    assert_eq!(
        (&paths[0]["effect"], &paths[0]["groups"]),
        (&json!("deny"), &json!([]))
    );
    assert_eq!(body["missing"], Value::Null);
}

#[tokio::test]
async fn what_is_missing_helps_when_who_may_give_it_gives_it() {
    let world = World::start().await;
    let bob = world.person("bob", &[]).await;
    role(
        &world,
        &world.admin,
        "helper",
        "gatepost",
        &["groups:patch", "grants:midaz"],
    )
    .await;
    group(&world, &world.admin, "helpdesk", &[]).await;
    let path = "/v1/groups/helpdesk/roles/helper";
    world.put(&world.admin, path).await.is(204);
    let carol = world.person("carol", &["helpdesk"]).await;
    let answer = explained(&world, &bob, "accounts", "get").await;
    let body = answer.is(200);
    assert_eq!(body["reason"], "permission");
    let missing = &body["missing"];
    assert_eq!(missing["kind"], "group");
    let added = missing["added"].as_array().unwrap();
    assert!(added.contains(&json!("midaz/accounts:get")), "{added:?}");
    assert_eq!(missing["addedPermissions"], added.len());
    let givers: Vec<&str> = missing["givers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|giver| giver["target"]["name"].as_str().unwrap())
        .collect();
    assert!(
        givers.contains(&"helpdesk") && givers.contains(&"admin-group"),
        "{givers:?}"
    );
    let group = missing["target"]["id"].as_str().unwrap();
    let path = format!("/v1/groups/{group}/members/{}", bob.id);
    let dave = world.person("dave", &["midaz-editor-group"]).await;
    world
        .put(&dave, &path)
        .await
        .refuses(ErrorReason::PermissionMissing);
    let before = world.get(&bob, "/v1/permissions").await.is(200).clone();
    world.put(&carol, &path).await.is(204);
    assert!(world.may(&bob, "midaz", "accounts", "get").await);
    let after = world.get(&bob, "/v1/permissions").await.is(200).clone();
    assert_ne!(before, after);
    let again = explained(&world, &bob, "accounts", "get").await;
    assert_eq!(again.is(200)["missing"], Value::Null);
}

#[tokio::test]
async fn a_small_role_is_less_than_a_group_with_a_great_one() {
    let world = World::start().await;
    let bob = world.person("bob", &[]).await;
    role(
        &world,
        &world.admin,
        "account-reader",
        "midaz",
        &["accounts:get"],
    )
    .await;
    let answer = explained(&world, &bob, "accounts", "get").await;
    let missing = &answer.is(200)["missing"];
    assert_eq!(
        (&missing["kind"], &missing["addedPermissions"]),
        (&json!("role"), &json!(1))
    );
    assert_eq!(missing["target"]["name"], "account-reader");
    let role = missing["target"]["id"].as_str().unwrap();
    let path = format!("/v1/users/{}/roles/{role}", bob.id);
    world.put(&world.admin, &path).await.is(204);
    assert!(world.may(&bob, "midaz", "accounts", "get").await);
    // Machines are in no group.
    let machine = world.machine("worker", &[]).await;
    let answer = explained(&world, &machine, "accounts", "get").await;
    let missing = &answer.is(200)["missing"];
    assert_eq!(missing["target"]["name"], "account-reader");
    let path = format!("/v1/applications/{}/roles/{role}", machine.id);
    world.put(&world.admin, &path).await.is(204);
    assert!(world.may(&machine, "midaz", "accounts", "get").await);
    let nothing = explained(&world, &bob, "accounts", "never-declared").await;
    assert_eq!(
        nothing.is(200)["missing"]["kind"],
        Value::Null,
        "{}",
        nothing.body
    );
}

#[tokio::test]
async fn who_may_not_see_it_sees_the_decision_only() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    for action in ["get", "delete"] {
        let body = json!({"product": "midaz", "resource": "accounts", "action": action});
        let answer = world.post(&alice, PATH, body).await;
        let body = answer.is(200);
        assert_eq!(
            (&body["authorized"], &body["redacted"]),
            (&json!(action == "get"), &json!(true))
        );
        assert_eq!(
            (&body["paths"], &body["missing"]),
            (&json!([]), &Value::Null)
        );
    }
    let other = json!({
        "sub": format!("default/{}", world.admin.id), "product": "midaz", "resource": "accounts",
        "action": "get",
    });
    let refused = world.post(&alice, PATH, other.clone()).await;
    refused.refuses(ErrorReason::SubjectForeign);
    world
        .post_openly(PATH, other)
        .await
        .refuses(ErrorReason::TokenMissing);
    let nameless = json!({"resource": "accounts", "action": "get"});
    let refused = world.post(&alice, PATH, nameless).await;
    refused.refuses(ErrorReason::InvalidRequest);
}

#[tokio::test]
async fn another_organizations_roles_are_not_named() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let other = world.organization("butchery").await;
    for (admin, name) in [(&world.admin, "of-the-system"), (&other, "of-the-butchery")] {
        role(&world, admin, name, "midaz", &["accounts:get"]).await;
    }
    let bob = world.person_of(&owner, "bob", &[]).await;
    let body = json!({
        "sub": format!("bakery/{}", bob.id), "product": "midaz", "resource": "accounts",
        "action": "get",
    });
    let answer = world.post(&owner, PATH, body).await;
    let told = answer.is(200)["missing"]["target"]["name"]
        .as_str()
        .unwrap();
    assert!(told.starts_with("midaz-"), "{told}");
    assert!(!answer.body.to_string().contains("of-the-"));
}

#[test]
fn givers_are_judged_by_the_rules_of_the_contract() {
    let asked = |access| {
        let Access::Permission(permission) = access else {
            panic!("{access:?}");
        };
        format!(
            "{}/{}:{}",
            permission.product, permission.resource, permission.action
        )
    };
    let user = Subject::User(UserId::new(Uuid::nil()));
    let machine = Subject::Application(ApplicationId::new(Uuid::nil()));
    let (group, role) = (GroupId::new(Uuid::nil()), RoleId::new(Uuid::nil()));
    for (remedy, subject, access) in [
        (
            Remedy::Group(group),
            user,
            AddGroupMemberRequest::RULE.access,
        ),
        (Remedy::Role(role), user, GrantUserRoleRequest::RULE.access),
        (
            Remedy::Role(role),
            machine,
            GrantApplicationRoleRequest::RULE.access,
        ),
    ] {
        assert_eq!(
            required_permission(remedy, subject).to_string(),
            asked(access)
        );
    }
}
