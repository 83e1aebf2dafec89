//! Nobody gives a permission of Gatepost that they lack, by whatever way; giving a product's role
//! needs the permission to give it.

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};

use crate::identity::{after, group, new_user, permissions, role};
use crate::world::{Actor, NEXT_PASSWORD, World};

/// Everything an administrator does, but asking about others and giving what is midaz's.
const MANAGER: [&str; 16] = [
    "users:get",
    "users:post",
    "users:patch",
    "users:delete",
    "groups:get",
    "groups:post",
    "groups:patch",
    "groups:delete",
    "roles:get",
    "roles:post",
    "roles:patch",
    "roles:delete",
    "applications:post",
    "applications:patch",
    "reset-password:patch",
    "grants:reporter",
];

/// Somebody who manages people, and may not do all that an administrator may.
async fn manager(world: &World) -> Actor {
    role(world, &world.admin, "manager-role", "gatepost", &MANAGER).await;
    let manager = world.person("manager", &[]).await;
    let path = format!("/v1/users/{}/roles/manager-role", manager.id);
    world.put(&world.admin, &path).await.is(204);
    manager
}

async fn refused(world: &World, actor: &Actor, method: Method, path: &str, body: Value) {
    let answer = world.call(actor, method, path, body).await;
    assert_eq!(
        answer.reason(),
        "ESCALATION_REFUSED",
        "{path}: {}",
        answer.body
    );
    answer.refuses(ErrorReason::EscalationRefused);
}

#[tokio::test]
async fn nobody_gives_a_role_over_gatepost_that_is_more_than_her_own() {
    let world = World::start().await;
    let manager = manager(&world).await;
    let own = format!("/v1/users/{}/roles/", manager.id);
    let put = async |path: &str| refused(&world, &manager, Method::PUT, path, json!({})).await;
    put(&format!("{own}gatepost-editor-role")).await;
    put("/v1/groups/midaz-viewer-group/roles/gatepost-editor-role").await;
    let machine = world.machine("worker", &[]).await;
    put(&format!(
        "/v1/applications/{}/roles/gatepost-editor-role",
        machine.id
    ))
    .await;
    put(&format!("{own}gatepost-system-administrator-role")).await;
    // What she holds herself she gives.
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/manager-role", alice.id);
    world.put(&manager, &path).await.is(204);
}

#[tokio::test]
async fn nobody_writes_a_role_that_is_more_than_her_own() {
    let world = World::start().await;
    let manager = manager(&world).await;
    let body = |permission: &str| {
        json!({
            "name": "mine", "product": "gatepost", "permissions": permissions(&[permission]),
        })
    };
    for more in ["subjects:ask", "*:get", "users:*", "*:*", "grants:midaz"] {
        refused(&world, &manager, Method::POST, "/v1/roles", body(more)).await;
    }
    let mut by_alias = body("subjects:ask");
    by_alias["product"] = json!("plugin-identity");
    refused(&world, &manager, Method::POST, "/v1/roles", by_alias).await;
    let mut system = body("organizations:get");
    system["product"] = json!("gatepost-system");
    refused(&world, &manager, Method::POST, "/v1/roles", system).await;
    world
        .post(&manager, "/v1/roles", body("users:get"))
        .await
        .is(201);
    let more = json!({"permissions": permissions(&["subjects:ask"])});
    refused(
        &world,
        &manager,
        Method::PATCH,
        "/v1/roles/mine",
        more.clone(),
    )
    .await;
    // Nor does she lift a denial that was put on somebody.
    role(
        &world,
        &world.admin,
        "denial",
        "gatepost",
        &["subjects:ask", "!users:get"],
    )
    .await;
    let less = json!({"permissions": []});
    refused(&world, &manager, Method::PATCH, "/v1/roles/denial", less).await;
}

#[tokio::test]
async fn nobody_puts_anybody_into_a_group_that_may_more_than_she() {
    let world = World::start().await;
    let manager = manager(&world).await;
    let own = format!("/v1/groups/admin-group/members/{}", manager.id);
    refused(&world, &manager, Method::PUT, &own, json!({})).await;
    // One group inside of another gives what the outer one has.
    group(&world, &world.admin, "inner", &[]).await;
    let into = json!({"groups": ["inner"]});
    let path = "/v1/groups/admin-group";
    refused(&world, &manager, Method::PATCH, path, into.clone()).await;
    world.patch(&world.admin, path, into).await.is(200);
    let inner = format!("/v1/groups/inner/members/{}", manager.id);
    refused(&world, &manager, Method::PUT, &inner, json!({})).await;
    let user = format!("/v1/users/{}", manager.id);
    let groups = json!({"groups": ["inner"]});
    refused(&world, &manager, Method::PATCH, &user, groups).await;
    refused(
        &world,
        &manager,
        Method::POST,
        "/v1/users",
        new_user("eve", &["inner"]),
    )
    .await;
    let eve = world
        .get(&world.admin, "/v1/audit-events?action=user.create&limit=1")
        .await;
    assert_ne!(eve.is(200)["items"][0]["after"]["username"], "eve");
    let admin = format!("/v1/groups/admin-group/members/{}", world.admin.id);
    refused(&world, &manager, Method::DELETE, &admin, json!({})).await;
}

#[tokio::test]
async fn nobody_takes_over_an_account_that_may_more_than_she() {
    let world = World::start().await;
    let manager = manager(&world).await;
    let admin = format!("/v1/users/{}", world.admin.id);
    let password = json!({"newPassword": NEXT_PASSWORD});
    let reset = format!("{admin}/reset-password");
    refused(&world, &manager, Method::PATCH, &reset, password.clone()).await;
    let address = json!({"email": "mine@example.com"});
    refused(&world, &manager, Method::PATCH, &admin, address).await;
    refused(&world, &manager, Method::DELETE, &admin, json!({})).await;
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/reset-password", alice.id);
    world.patch(&manager, &path, password).await.is(204);
}

#[tokio::test]
async fn a_products_role_is_given_by_who_may_give_it() {
    let world = World::start().await;
    let manager = manager(&world).await;
    let alice = world.person("alice", &[]).await;
    let own = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    refused(&world, &manager, Method::PUT, &own, json!({})).await;
    let midaz = json!({"name": "midaz"});
    refused(&world, &manager, Method::POST, "/v1/applications", midaz).await;
    let member = format!("/v1/groups/midaz-viewer-group/members/{}", alice.id);
    refused(&world, &manager, Method::PUT, &member, json!({})).await;
    let mine = json!({
        "name": "mine", "product": "midaz", "permissions": permissions(&["accounts:get"]),
    });
    refused(&world, &manager, Method::POST, "/v1/roles", mine).await;
    // She gives reporter's roles, although she may nothing there herself.
    assert!(!world.may(&manager, "reporter", "reports", "get").await);
    let given = format!("/v1/users/{}/roles/reporter-viewer-role", alice.id);
    world.put(&manager, &given).await.is(204);
    assert!(world.may(&alice, "reporter", "reports", "get").await);
    world
        .post(&manager, "/v1/applications", json!({"name": "reporter"}))
        .await
        .is(201);
}

#[tokio::test]
async fn rule_over_the_installation_is_given_in_the_system_organization_only() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let role = "gatepost-system-administrator-role";
    let path = format!("/v1/users/{}/roles/{role}", owner.id);
    refused(&world, &owner, Method::PUT, &path, json!({})).await;
    let body = json!({
        "name": "mine", "product": "gatepost-system", "permissions": permissions(&["*:*"]),
    });
    refused(&world, &owner, Method::POST, "/v1/roles", body).await;
    // Administering the system organization is not yet ruling the installation.
    let clerk = world.person("clerk", &["admin-group"]).await;
    let list = world.get(&clerk, "/v1/organizations").await;
    list.refuses(ErrorReason::PermissionMissing);
    let path = format!("/v1/users/{}/roles/{role}", clerk.id);
    refused(&world, &clerk, Method::PUT, &path, json!({})).await;
    world.put(&world.admin, &path).await.is(204);
    world.get(&clerk, "/v1/organizations").await.is(200);
}

#[tokio::test]
async fn nobody_becomes_a_products_publisher_by_a_name() {
    let world = World::start_multi_tenant().await;
    let clerk = world.person("clerk", &["admin-group"]).await;
    // In the system organization an application with a product's name publishes its manifest.
    for slug in ["gatepost", "tracer"] {
        let body = json!({"name": slug, "roles": ["midaz-viewer-role"]});
        refused(&world, &clerk, Method::POST, "/v1/applications", body).await;
    }
    let worker = world.machine_of(&clerk, "A worker", &[]).await;
    let path = format!("/v1/applications/{}", worker.id);
    refused(
        &world,
        &clerk,
        Method::PATCH,
        &path,
        json!({"name": "tracer"}),
    )
    .await;
    world
        .patch(&world.admin, &path, json!({"name": "tracer"}))
        .await
        .is(200);
}

/// An administrator for an hour.
async fn guest(world: &World) -> Actor {
    let guest = world.person("guest", &[]).await;
    let path = format!("/v1/users/{}/roles/gatepost-editor-role", guest.id);
    let terms = json!({"expiresAt": after(HOUR)});
    world
        .call(&world.admin, Method::PUT, &path, terms)
        .await
        .is(204);
    guest
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn nobody_gives_for_longer_than_she_holds() {
    let world = World::start().await;
    let guest = guest(&world).await;
    let alice = world.person("alice", &[]).await;
    for role in ["gatepost-editor-role", "midaz-viewer-role"] {
        let path = format!("/v1/users/{}/roles/{role}", alice.id);
        for terms in [json!({}), json!({"expiresAt": after(HOUR * 2)})] {
            refused(&world, &guest, Method::PUT, &path, terms).await;
        }
        let shorter = json!({"expiresAt": after(HOUR / 2)});
        world
            .call(&guest, Method::PUT, &path, shorter)
            .await
            .is(204);
        // Nor does she make longer what is there.
        let longer = json!({"expiresAt": after(HOUR * 2)});
        refused(&world, &guest, Method::PUT, &path, longer).await;
        // What she may take, she takes.
        world.delete(&guest, &path).await.is(204);
    }
    let own = format!("/v1/users/{}/roles/gatepost-editor-role", guest.id);
    refused(&world, &guest, Method::PUT, &own, json!({})).await;
    let member = format!("/v1/groups/admin-group/members/{}", alice.id);
    refused(&world, &guest, Method::PUT, &member, json!({})).await;
    let machine = json!({"name": "machine", "roles": ["gatepost-editor-role"]});
    refused(&world, &guest, Method::POST, "/v1/applications", machine).await;
    let mine = json!({
        "name": "mine", "product": "gatepost", "permissions": permissions(&["users:get"]),
    });
    refused(&world, &guest, Method::POST, "/v1/roles", mine).await;
}

#[tokio::test]
async fn nobody_takes_over_an_account_that_lasts_longer_than_her_own() {
    let world = World::start().await;
    let guest = guest(&world).await;
    let other = world.person("other", &["admin-group"]).await;
    let user = format!("/v1/users/{}", other.id);
    let password = json!({"newPassword": NEXT_PASSWORD});
    let reset = format!("{user}/reset-password");
    refused(&world, &guest, Method::PATCH, &reset, password).await;
    let address = json!({"email": "mine@example.com"});
    refused(&world, &guest, Method::PATCH, &user, address).await;
    let strong = world.machine("strong", &["gatepost-editor-role"]).await;
    let secrets = format!("/v1/applications/{}/credentials", strong.id);
    refused(&world, &guest, Method::POST, &secrets, json!({})).await;
    // To stop somebody is what she may do as long as she may do as much.
    let suspended = json!({"status": "suspended"});
    world.patch(&guest, &user, suspended).await.is(204);
    let active = json!({"status": "active"});
    refused(&world, &guest, Method::PATCH, &user, active).await;
    let member = format!("/v1/groups/admin-group/members/{}", other.id);
    world.delete(&guest, &member).await.is(204);
    world.delete(&guest, &user).await.is(204);
}

#[tokio::test]
async fn a_denial_is_not_cut_short_by_who_holds_less_long() {
    let world = World::start().await;
    let guest = guest(&world).await;
    let alice = world.person("alice", &["admin-group"]).await;
    role(&world, &world.admin, "denial", "gatepost", &["!users:get"]).await;
    let path = format!("/v1/users/{}/roles/denial", alice.id);
    world.put(&world.admin, &path).await.is(204);
    refused(&world, &guest, Method::DELETE, &path, json!({})).await;
    for sooner in [
        json!({"expiresAt": after(HOUR / 60)}),
        json!({"limits": [{"attribute": "a", "values": ["b"]}]}),
    ] {
        refused(&world, &guest, Method::PUT, &path, sooner).await;
    }
    world.delete(&world.admin, &path).await.is(204);
}

#[tokio::test]
async fn what_one_holds_for_some_attributes_only_is_not_ones_to_give() {
    let world = World::start().await;
    let clerk = world.person("clerk", &[]).await;
    let path = format!("/v1/users/{}/roles/gatepost-editor-role", clerk.id);
    let terms = json!({"limits": [{"attribute": "branch", "values": ["north"]}]});
    world
        .call(&world.admin, Method::PUT, &path, terms)
        .await
        .is(204);
    // The rules of RPCs know no attributes, so it is of no use here at all.
    let refusal = world.get(&clerk, "/v1/users").await;
    refusal.refuses(ErrorReason::PermissionMissing);
    let half = ["users:get", "users:patch"];
    role(&world, &world.admin, "half-role", "gatepost", &half).await;
    let half = format!("/v1/users/{}/roles/half-role", clerk.id);
    world.put(&world.admin, &half).await.is(204);
    let alice = world.person("alice", &[]).await;
    let given = format!("/v1/users/{}/roles/gatepost-editor-role", alice.id);
    refused(&world, &clerk, Method::PUT, &given, json!({})).await;
}
