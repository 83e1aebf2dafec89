//! Identity: one file an RPC, and what they share.

mod add_group_member;
mod create_application;
mod create_credential;
mod create_group;
mod create_organization;
mod create_role;
mod create_user;
mod delete_application;
mod delete_group;
mod delete_passkey;
mod delete_role;
mod delete_user;
mod disable_mfa;
mod enable_factor;
mod end_session;
mod get_application;
mod get_group;
mod get_manifest;
mod get_mfa;
mod get_organization;
mod get_role;
mod get_user;
mod grant_application_role;
mod grant_group_role;
mod grant_user_role;
mod list_applications;
mod list_audit_events;
mod list_credentials;
mod list_grants;
mod list_groups;
mod list_mfa_policies;
mod list_organizations;
mod list_passkeys;
mod list_roles;
mod list_sessions;
mod list_signing_keys;
mod list_users;
mod passkey_registration;
mod publish_manifest;
mod reissue_recovery_codes;
mod remove_group_member;
mod rename_passkey;
mod reset_mfa;
mod reset_password;
mod revoke_application_role;
mod revoke_credential;
mod revoke_group_role;
mod revoke_user_role;
mod rotate_signing_keys;
mod send_mfa_proof;
mod set_mfa_policy;
mod set_preferred_factor;
mod set_up_factor;
mod update_application;
mod update_group;
mod update_organization;
mod update_password;
mod update_role;
mod update_user;
mod verify_factor;

use std::time::Duration;

use gatepost_proto::ErrorReason;
use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::world::{Actor, PASSWORD, World};

/// The body of a new user.
pub fn new_user(username: &str, groups: &[&str]) -> Value {
    json!({
        "username": username, "email": format!("{username}@example.com"),
        "firstName": "Test", "lastName": username, "password": PASSWORD, "groups": groups,
    })
}

/// Makes an application; answers it with its secret.
pub async fn application(world: &World, actor: &Actor, body: Value) -> Value {
    let answer = world.post(actor, "/v1/applications", body).await;
    answer.is(201).clone()
}

/// Makes a group; answers its id.
pub async fn group(world: &World, actor: &Actor, name: &str, groups: &[&str]) -> String {
    let body = json!({"name": name, "groups": groups});
    let answer = world.post(actor, "/v1/groups", body).await;
    answer.is(201)["id"].as_str().unwrap().to_owned()
}

/// Makes a role with permissions as `resource:action`, forbidden where a `!` comes first; answers
/// its id.
pub async fn role(
    world: &World,
    actor: &Actor,
    name: &str,
    product: &str,
    permissions: &[&str],
) -> String {
    let body = json!({
        "name": name, "product": product, "permissions": self::permissions(permissions),
    });
    let answer = world.post(actor, "/v1/roles", body).await;
    answer.is(201)["id"].as_str().unwrap().to_owned()
}

/// The permissions of a role as the contract writes them.
pub fn permissions(permissions: &[&str]) -> Value {
    let permission = |text: &&str| {
        let (effect, text) = match text.strip_prefix('!') {
            Some(text) => ("PERMISSION_EFFECT_DENY", text),
            None => ("PERMISSION_EFFECT_ALLOW", *text),
        };
        let (resource, action) = text.split_once(':').unwrap();
        json!({"resource": resource, "action": action, "effect": effect})
    };
    permissions.iter().map(permission).collect()
}

/// A time from now on the server's clock, as the contract writes it.
pub fn after(by: Duration) -> String {
    let at = OffsetDateTime::now_utc() + by;
    at.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap()
}

/// Checks that a call needs a token, and of a person a permission.
pub async fn is_guarded(world: &World, method: Method, path: &str, body: Value) {
    let nobody = world.request(method.clone(), path).json(&body);
    let nobody = world.send(nobody).await;
    nobody.refuses(ErrorReason::TokenMissing);
    let plain = world.person("plain", &[]).await;
    let refused = world.call(&plain, method, path, body).await;
    refused.refuses(ErrorReason::PermissionMissing);
}
