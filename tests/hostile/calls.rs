//! One good call of each RPC, to be spoilt in one place.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::wire::Rpc;
use crate::world::{Actor, PASSWORD, World, claims};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A name that nobody has.
pub fn fresh(prefix: &str) -> String {
    format!("{prefix}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Makes a record over REST; answers its body.
pub async fn make(world: &World, actor: &Actor, path: &str, body: Value) -> Value {
    let answer = world.call(actor, Method::POST, path, body).await;
    assert_eq!(answer.status.as_u16(), 201, "{path}: {}", answer.body);
    answer.body
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The body of a new user.
pub fn user_body(username: &str) -> Value {
    json!({
        "username": username, "email": format!("{username}@example.com"),
        "firstName": "Ann", "lastName": "Other", "password": PASSWORD, "groups": [],
    })
}

/// The id of a new user.
pub async fn user(world: &World, actor: &Actor) -> String {
    text(&make(world, actor, "/v1/users", user_body(&fresh("user"))).await["id"])
}

/// The id of a new group.
pub async fn group(world: &World, actor: &Actor) -> String {
    text(&make(world, actor, "/v1/groups", json!({"name": fresh("group")})).await["id"])
}

/// The id of a new role of midaz.
pub async fn role(world: &World, actor: &Actor) -> String {
    let permissions = json!([{"resource": "accounts", "action": "get"}]);
    let body = json!({"name": fresh("role"), "product": "midaz", "permissions": permissions});
    text(&make(world, actor, "/v1/roles", body).await["id"])
}

/// A new application as its creation shows it.
pub async fn application(world: &World, actor: &Actor) -> Value {
    make(
        world,
        actor,
        "/v1/applications",
        json!({"name": fresh("machine")}),
    )
    .await
}

/// Tokens of a new session of a new user.
pub async fn session(world: &World, actor: &Actor) -> Value {
    let username = fresh("guest");
    make(world, actor, "/v1/users", user_body(&username)).await;
    let body = json!({"grantType": "password", "username": username, "password": PASSWORD});
    let request = world
        .request(Method::POST, "/v1/login/oauth/access_token")
        .json(&body);
    let answer = world.send(request).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    answer.body
}

/// The session of these tokens.
pub fn session_id(tokens: &Value) -> Value {
    claims(tokens["accessToken"].as_str().unwrap())["sid"].clone()
}

/// The only secret of an application, by id.
pub async fn credential(world: &World, actor: &Actor, application: &Value) -> Value {
    let id = application["id"].as_str().unwrap();
    let path = format!("/v1/applications/{id}/credentials");
    world.get(actor, &path).await.body["items"][0]["id"].clone()
}

/// Fields of a call that `actor` may make and that will be done.
pub async fn good(world: &World, actor: &Actor, rpc: &Rpc) -> Map<String, Value> {
    let fields = match rpc.method.parent_service().name() {
        "AuthService" => auth(world, actor, &rpc.name).await,
        "AuthorizeService" => {
            json!({"product": "midaz", "resource": "accounts", "action": "get"})
        }
        "UserService" => users(world, actor, &rpc.name).await,
        "GroupService" => groups(world, actor, &rpc.name).await,
        "SessionService" => sessions(world, actor, &rpc.name).await,
        "RoleService" => roles(world, actor, &rpc.name).await,
        "ApplicationService" => applications(world, actor, &rpc.name).await,
        "OrganizationService" => organizations(world, actor, &rpc.name).await,
        "ManifestService" | "AuditService" => rest(&rpc.name),
        other => panic!("say how {other} is called well"),
    };
    let Value::Object(fields) = fields else {
        panic!("an object")
    };
    fields
}

async fn auth(world: &World, actor: &Actor, name: &str) -> Value {
    match name {
        "IssueToken" => {
            let made = application(world, actor).await;
            json!({
                "grantType": "client_credentials",
                "clientId": made["clientId"], "clientSecret": made["clientSecret"],
            })
        }
        "RefreshToken" => json!({"refreshToken": session(world, actor).await["refreshToken"]}),
        "Logout" => json!({"idTokenHint": session(world, actor).await["accessToken"]}),
        "GetUserInfo" | "ListPermissions" | "ListJsonWebKeys" => json!({}),
        other => panic!("say how {other} is called well"),
    }
}

async fn users(world: &World, actor: &Actor, name: &str) -> Value {
    match name {
        "ListUsers" => json!({"limit": 50}),
        "CreateUser" => user_body(&fresh("user")),
        "GetUser" | "DeleteUser" => json!({"id": user(world, actor).await}),
        "UpdateUser" => json!({"id": user(world, actor).await, "lastName": "Changed"}),
        "UpdatePassword" => {
            json!({"id": actor.id, "oldPassword": PASSWORD, "newPassword": PASSWORD})
        }
        "ResetPassword" => json!({"id": user(world, actor).await, "newPassword": PASSWORD}),
        other => panic!("say how {other} is called well"),
    }
}

async fn sessions(world: &World, actor: &Actor, name: &str) -> Value {
    match name {
        "ListSessions" => json!({"id": user(world, actor).await, "limit": 50}),
        "EndSession" => json!({"id": session_id(&session(world, actor).await)}),
        other => panic!("say how {other} is called well"),
    }
}

async fn groups(world: &World, actor: &Actor, name: &str) -> Value {
    match name {
        "ListGroups" => json!({"limit": 50}),
        "CreateGroup" => json!({"name": fresh("group"), "groups": []}),
        "GetGroup" | "DeleteGroup" => json!({"id": group(world, actor).await}),
        "UpdateGroup" => json!({"id": group(world, actor).await, "name": fresh("group")}),
        "AddGroupMember" | "RemoveGroupMember" => {
            json!({"id": group(world, actor).await, "userId": user(world, actor).await})
        }
        other => panic!("say how {other} is called well"),
    }
}

async fn roles(world: &World, actor: &Actor, name: &str) -> Value {
    match name {
        "ListRoles" | "ListGrants" => json!({"limit": 50}),
        "CreateRole" => json!({
            "name": fresh("role"), "product": "midaz", "description": "d",
            "permissions": [{"resource": "accounts", "action": "get"}],
        }),
        "GetRole" | "DeleteRole" => json!({"id": role(world, actor).await}),
        "UpdateRole" => json!({"id": role(world, actor).await, "name": fresh("role")}),
        "GrantGroupRole" | "RevokeGroupRole" => {
            json!({"id": group(world, actor).await, "role": role(world, actor).await})
        }
        "GrantUserRole" | "RevokeUserRole" => {
            json!({"id": user(world, actor).await, "role": role(world, actor).await})
        }
        "GrantApplicationRole" | "RevokeApplicationRole" => {
            let made = application(world, actor).await;
            json!({"id": made["id"], "role": role(world, actor).await})
        }
        other => panic!("say how {other} is called well"),
    }
}

async fn applications(world: &World, actor: &Actor, name: &str) -> Value {
    match name {
        "ListApplications" => json!({"limit": 50}),
        "CreateApplication" => json!({"name": fresh("machine"), "description": "d", "roles": []}),
        "RevokeCredential" => {
            let made = application(world, actor).await;
            let credential = credential(world, actor, &made).await;
            json!({"id": made["id"], "credentialId": credential})
        }
        "GetApplication" | "DeleteApplication" | "ListCredentials" | "CreateCredential" => {
            json!({"id": application(world, actor).await["id"]})
        }
        "UpdateApplication" => {
            json!({"id": application(world, actor).await["id"], "description": "changed"})
        }
        other => panic!("say how {other} is called well"),
    }
}

/// What belongs to the installation: a tenant's administrator may not call it at all.
async fn organizations(world: &World, actor: &Actor, name: &str) -> Value {
    match name {
        "ListOrganizations" => json!({"limit": 50}),
        "CreateOrganization" => {
            let (slug, owner) = (fresh("organization"), fresh("owner"));
            let mut owner = user_body(&owner);
            owner.as_object_mut().unwrap().remove("groups");
            json!({"slug": slug, "name": slug, "owner": owner})
        }
        "GetOrganization" | "UpdateOrganization" => {
            let answer = world.get(actor, "/v1/organizations").await;
            let first = answer.body["items"][0]["id"].clone();
            let nobody = json!("0198a9e2-0000-7000-8000-0000000000ab");
            let mut fields = json!({"id": if first.is_null() { nobody } else { first }});
            if name == "UpdateOrganization" {
                fields["name"] = json!("Changed");
            }
            fields
        }
        other => panic!("say how {other} is called well"),
    }
}

fn rest(name: &str) -> Value {
    match name {
        "PublishManifest" => json!({
            "slug": fresh("widget"), "version": "1",
            "permissions": [{"resource": "things", "action": "get", "roles": ["none"]}],
            "roles": [{"name": "none"}],
        }),
        "GetManifest" => json!({"slug": "midaz"}),
        "ListAuditEvents" => json!({"limit": 50}),
        other => panic!("say how {other} is called well"),
    }
}
