//! `UpdateOrganization`.

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::json;

use super::{application, is_guarded};
use crate::world::{Actor, NOBODY, PASSWORD, World, claims};

fn path(actor: &Actor) -> String {
    let id = claims(&actor.token)["tenantId"].clone();
    format!("/v1/organizations/{}", id.as_str().unwrap())
}

#[tokio::test]
async fn nobody_of_a_suspended_organization_comes_in_until_it_is_active_again() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let machine = world.machine_of(&owner, "midaz", &[]).await;
    let path = path(&owner);
    let before = world.get(&world.admin, &path).await;
    let answer = world
        .patch(&world.admin, &path, json!({"status": "suspended"}))
        .await;
    assert_eq!(answer.is(200)["status"], "suspended");
    for actor in [&owner, &machine] {
        let refused = world.get(actor, "/v1/userinfo").await;
        refused.refuses(ErrorReason::OrganizationSuspended);
    }
    let body = json!({
        "grantType": "password", "username": "admin-of-bakery", "password": PASSWORD,
    });
    let sign_in = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    sign_in.refuses(ErrorReason::OrganizationSuspended);
    let event = world.audit(&answer, "organization.update").await;
    assert_eq!(
        (&event["before"], &event["after"]),
        (&before.body, &answer.body)
    );
    world
        .patch(&world.admin, &path, json!({"status": "active"}))
        .await
        .is(200);
    // Its own audit log tells of both.
    let events = world
        .get(&owner, "/v1/audit-events?action=organization.update")
        .await;
    assert_eq!(events.is(200)["total"], 2);
    world.get(&machine, "/v1/userinfo").await.is(200);
}

#[tokio::test]
async fn the_name_changes_and_the_slug_stays() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let answer = world
        .patch(&world.admin, &path(&owner), json!({"name": "Bakers"}))
        .await;
    let shown = (
        &answer.is(200)["name"],
        &answer.body["slug"],
        &answer.body["status"],
    );
    assert_eq!(
        shown,
        (&json!("Bakers"), &json!("bakery"), &json!("active"))
    );
    let again = world
        .patch(&world.admin, &path(&owner), json!({"name": "Bakers"}))
        .await;
    assert_eq!(again.revision(), answer.revision(), "nothing changed");
    for bad in [
        json!({"slug": "x"}),
        json!({"name": ""}),
        json!({"status": "gone"}),
        json!({"status": ""}),
    ] {
        let refused = world.patch(&world.admin, &path(&owner), bad).await;
        refused.refuses(ErrorReason::InvalidRequest);
    }
    let own = world
        .patch(&owner, &path(&owner), json!({"name": "x"}))
        .await;
    own.refuses(ErrorReason::PermissionMissing);
}

#[tokio::test]
async fn nobody_is_locked_out_for_good() {
    let world = World::start_multi_tenant().await;
    let suspended = json!({"status": "suspended"});
    let system = world
        .patch(&world.admin, &path(&world.admin), suspended.clone())
        .await;
    system.refuses(ErrorReason::InvalidRequest);
    let world = World::start().await;
    let only = world
        .patch(&world.admin, &path(&world.admin), suspended.clone())
        .await;
    only.refuses(ErrorReason::SingleTenant);
    let unknown = format!("/v1/organizations/{NOBODY}");
    let answer = world.patch(&world.admin, &unknown, suspended.clone()).await;
    answer.refuses(ErrorReason::NotFound);
    is_guarded(&world, Method::PATCH, &unknown, suspended).await;
}

#[tokio::test]
async fn an_organization_may_be_one_that_nobody_signs_in_to_with_a_password() {
    let world = World::start_multi_tenant().await;
    let owner = world.organization("bakery").await;
    let made = application(&world, &owner, json!({"name": "shop"})).await;
    let sign_in = |username: &str, password: &str, client: bool| {
        let mut body = json!({
            "grantType": "password", "username": username, "password": password,
        });
        if client {
            body["clientId"] = made["clientId"].clone();
            body["clientSecret"] = made["clientSecret"].clone();
        }
        world.post_openly("/v1/login/oauth/access_token", body)
    };
    let place = path(&owner);
    let put = |on: bool| world.patch(&world.admin, &place, json!({"passwordSignIn": on}));
    let off = put(false).await;
    assert_eq!(off.is(200)["passwordSignIn"], false);
    let event = world.audit(&off, "organization.update").await;
    assert_eq!(event["before"]["passwordSignIn"], true);
    assert_eq!(event["after"]["passwordSignIn"], false);
    // Without a client only who knows the password learns it; with one, whose organization is no
    // secret, everybody does, whoever is asked about.
    let name = "admin-of-bakery";
    let off = ErrorReason::PasswordSignInOff;
    sign_in(name, PASSWORD, false).await.refuses(off);
    let wrong = ErrorReason::CredentialsInvalid;
    sign_in(name, "wrong wrong", false).await.refuses(wrong);
    for (username, password) in [
        (name, PASSWORD),
        (name, "wrong wrong"),
        ("nobody", "wrong wrong"),
    ] {
        sign_in(username, password, true).await.refuses(off);
    }
    // Who is in stays in, and others are not meant.
    world.get(&owner, "/v1/userinfo").await.is(200);
    world.sign_in("admin").await;
    put(true).await.is(200);
    sign_in(name, PASSWORD, true).await.is(200);
}

#[tokio::test]
async fn nobody_puts_password_sign_in_off_for_oneself() {
    let world = World::start_multi_tenant().await;
    let body = json!({"passwordSignIn": false});
    let refused = world.patch(&world.admin, &path(&world.admin), body).await;
    refused.refuses(ErrorReason::InvalidRequest);
    world.sign_in("admin").await;
}

/// Whoever has signed in without her password can come back, and take it back.
#[tokio::test]
async fn who_signed_in_with_a_passkey_puts_passwords_off_for_oneself() {
    let world = World::start_multi_tenant().await;
    let added = world.add_passkey(&world.admin).await;
    let place = path(&world.admin);
    let put = async |actor: &Actor, on: bool| {
        let body = json!({"passwordSignIn": on});
        world.patch(actor, &place, body).await
    };
    let by_password = put(&world.admin, false).await;
    by_password.refuses(ErrorReason::InvalidRequest);
    let by_key = world.sign_in_by(&added.key).await;
    put(&by_key, false).await.is(200);
    let body = json!({"grantType": "password", "username": "admin", "password": PASSWORD});
    let off = world
        .post_openly("/v1/login/oauth/access_token", body)
        .await;
    off.refuses(ErrorReason::PasswordSignInOff);
    let again = world.sign_in_by(&added.key).await;
    put(&again, true).await.is(200);
    assert_eq!(world.knock("admin").await["mfaRequired"], true);
}
