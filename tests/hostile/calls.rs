//! One good call of each RPC, to be spoilt in one place.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::wire::Rpc;
use crate::world::{Actor, PASSWORD, World, claims};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// What one does to oneself only.
pub const OWN: [&str; 10] = [
    "DeletePasskey",
    "DisableMfa",
    "EnableFactor",
    "ReissueRecoveryCodes",
    "RenamePasskey",
    "SendMfaProof",
    "SetPreferredFactor",
    "SetUpFactor",
    "UpdatePassword",
    "VerifyFactor",
];

/// What is refused where nothing sends messages, and is told of by tests of its own.
pub const SENT: [&str; 2] = ["SendMfaCode", "SendMfaProof"];

/// Who makes the calls of the walk.
pub struct Callers<'a> {
    /// An administrator.
    pub person: &'a Actor,
    /// A machine of her organization that may be fed: some calls only such may make.
    machine: Actor,
    /// Another administrator, who signed in with two factors and changes her own.
    member: Actor,
}

impl<'a> Callers<'a> {
    /// This administrator, and a new machine.
    pub async fn of(world: &World, person: &'a Actor) -> Self {
        let name = fresh("sidecar");
        let machine = world.machine_of(person, &name, &["gatepost-sidecar-role"]);
        let machine = machine.await;
        let name = fresh("member");
        let member = world.person_of(person, &name, &["admin-group"]).await;
        let app = world.enrol(&member).await;
        let member = world.sign_in_twice(&name, &app.recovery_codes[0]).await;
        Self {
            person,
            machine,
            member,
        }
    }

    /// Who may make a call.
    pub fn of_rpc(&self, rpc: &Rpc) -> &Actor {
        match rpc.method.parent_service().name() {
            "ReplicaService" => &self.machine,
            "MfaService" if OWN.contains(&rpc.name.as_str()) => &self.member,
            _ => self.person,
        }
    }

    /// The token of who may make a call.
    pub fn token(&self, rpc: &Rpc) -> &str {
        &self.of_rpc(rpc).token
    }
}

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

/// Fields of a call that may be made and that will be done.
pub async fn good(world: &World, callers: &Callers<'_>, rpc: &Rpc) -> Map<String, Value> {
    let actor = callers.of_rpc(rpc);
    let fields = match rpc.method.parent_service().name() {
        "AuthService" => auth(world, actor, &rpc.name).await,
        "AuthorizeService" if rpc.name == "Simulate" => simulation(world, actor).await,
        "AuthorizeService" => decision(&rpc.name),
        "ReplicaService" => feed(world, actor, &rpc.name).await,
        "UserService" => users(world, actor, &rpc.name).await,
        "MfaService" => factors(world, callers, &rpc.name).await,
        "GroupService" => groups(world, actor, &rpc.name).await,
        "SessionService" => sessions(world, actor, &rpc.name).await,
        "RoleService" => roles(world, actor, &rpc.name).await,
        "ApplicationService" => applications(world, actor, &rpc.name).await,
        "OrganizationService" => organizations(world, actor, &rpc.name).await,
        "ManifestService" | "SigningKeyService" | "AuditService" => rest(&rpc.name),
        other => panic!("say how {other} is called well"),
    };
    let Value::Object(fields) = fields else {
        panic!("an object")
    };
    fields
}

/// A question that an administrator is answered with yes.
fn question() -> Value {
    json!({
        "product": "midaz", "resource": "accounts", "action": "get",
        "attributes": {"ledger_id": "l-7"},
    })
}

fn decision(name: &str) -> Value {
    let mut fields = question();
    let without = |fields: &mut Value, names: &[&str]| {
        let fields = fields.as_object_mut().unwrap();
        fields.retain(|name, _| !names.contains(&name.as_str()));
    };
    match name {
        "Authorize" | "Explain" => {}
        "BatchAuthorize" => {
            let users = json!({"product": "gatepost", "resource": "users", "action": "get"});
            fields = json!({"product": "midaz", "questions": [fields, users]});
        }
        "SearchSubjects" => {
            fields["type"] = "user".into();
            fields["limit"] = 50.into();
        }
        "SearchResources" => without(&mut fields, &["resource"]),
        "SearchActions" => without(&mut fields, &["action"]),
        "WatchRevisions" => fields = json!({"afterRevision": "0"}),
        other => panic!("say how {other} is called well"),
    }
    fields
}

/// One step of each kind; who rules the installation publishes a manifest, too.
async fn simulation(world: &World, actor: &Actor) -> Value {
    let (user, group) = (user(world, actor).await, group(world, actor).await);
    let given = role(world, actor).await;
    let id = || {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        format!("0198a9e2-0000-7000-8001-{number:012x}")
    };
    let permission = json!({"resource": "accounts", "action": "get"});
    let limit = json!({"attribute": "ledger_id", "values": ["l-7"]});
    let mut changes = vec![
        json!({"group": {"id": id(), "name": fresh("group")}}),
        json!({"member": {"groupId": group, "type": "user", "id": user}}),
        json!({"role": {
            "id": id(), "product": "midaz", "name": fresh("role"), "permissions": [permission],
        }}),
        json!({"grant": {"type": "user", "id": user, "roleId": given, "limits": [limit]}}),
    ];
    if actor.id == world.admin.id {
        let mut manifest = rest("PublishManifest");
        let manifest = manifest.as_object_mut().unwrap();
        let slug = manifest.remove("slug").unwrap();
        manifest.insert("service".to_owned(), slug);
        changes.push(json!({"manifest": manifest}));
    }
    json!({"changes": changes, "questions": [question()]})
}

/// What a machine asks that is fed.
async fn feed(world: &World, machine: &Actor, name: &str) -> Value {
    let own = claims(&machine.token)["tenantId"].clone();
    match name {
        "GetInstallation" | "WatchHeads" => json!({}),
        "GetHeads" => json!({"organizationIds": [own]}),
        "StreamFacts" => json!({"organizationId": own, "products": ["midaz"]}),
        "StreamChanges" => {
            let body = json!({"organizationIds": [own]});
            let heads = world.post(machine, "/v1/replica:heads", body).await.body;
            let head = &heads["heads"][0];
            let revision: u64 = text(&head["revision"]).parse().unwrap();
            json!({
                "organizationId": own, "products": ["midaz"], "epoch": head["epoch"],
                "afterRevision": (revision - 1).to_string(), "upToRevision": revision.to_string(),
            })
        }
        other => panic!("say how {other} is called well"),
    }
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
        "VerifyMfa" => {
            let (challenge, codes) = challenged(world, actor).await;
            json!({"mfaToken": challenge, "recoveryCode": codes[0]})
        }
        "SendMfaCode" => {
            let (challenge, _) = challenged(world, actor).await;
            json!({"mfaToken": challenge, "mfaType": "email"})
        }
        "EnrolMfa" => json!({"mfaToken": must_enrol(world, actor).await, "mfaType": "app"}),
        "FinishPasskeySignIn" => {
            let guest = world.person_of(actor, &fresh("guest"), &[]).await;
            let added = world.add_passkey(&guest).await;
            let begun = world.begin_passkey(json!({})).await;
            let signed = added.key.sign(&begun.options);
            json!({"ceremony": begun.ceremony, "credential": signed})
        }
        "RefreshToken" => json!({"refreshToken": session(world, actor).await["refreshToken"]}),
        "IntrospectToken" | "RevokeToken" => {
            json!({"token": session(world, actor).await["accessToken"]})
        }
        "Logout" => json!({"idTokenHint": session(world, actor).await["accessToken"]}),
        "ForgotPassword" => json!({"username": fresh("nobody")}),
        "ResetForgottenPassword" => {
            let username = fresh("guest");
            make(world, actor, "/v1/users", user_body(&username)).await;
            json!({"token": world.reset_token(&username).await, "newPassword": PASSWORD})
        }
        "BeginPasskeySignIn" | "GetUserInfo" | "ListPermissions" | "ListJsonWebKeys" => json!({}),
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

/// A challenge of somebody new, and her recovery codes.
async fn challenged(world: &World, admin: &Actor) -> (String, Vec<String>) {
    let name = fresh("guest");
    let guest = world.person_of(admin, &name, &[]).await;
    let app = world.enrol(&guest).await;
    (world.challenge(&name).await, app.recovery_codes)
}

/// A challenge of somebody new who has no factor and must have one.
async fn must_enrol(world: &World, admin: &Actor) -> String {
    let (name, group) = (fresh("guest"), group(world, admin).await);
    let policy = json!({"group": group, "mode": "required"});
    let set = world.call(admin, Method::PUT, "/v1/mfa/policies", policy);
    set.await.is(200);
    let mut guest = user_body(&name);
    guest["groups"] = json!([group]);
    make(world, admin, "/v1/users", guest).await;
    world.challenge(&name).await
}

async fn factors(world: &World, callers: &Callers<'_>, name: &str) -> Value {
    let (admin, member) = (callers.person, &callers.member);
    let app = json!({"id": member.id, "mfaType": "app"});
    match name {
        "GetMfa" | "ListPasskeys" | "ResetMfa" => json!({"id": user(world, admin).await}),
        "RenamePasskey" | "DeletePasskey" => {
            let id = passkey(world, member).await;
            match name {
                "RenamePasskey" => json!({"id": member.id, "passkeyId": id, "name": fresh("key")}),
                _ => json!({"id": member.id, "passkeyId": id}),
            }
        }
        "ListMfaPolicies" => json!({}),
        "SetMfaPolicy" => {
            json!({"group": group(world, admin).await, "mode": "off", "methods": ["app"]})
        }
        "SendMfaProof" => json!({"id": member.id, "mfaType": "email"}),
        "SetUpFactor" => app,
        "VerifyFactor" => {
            let path = format!("/v1/users/{}/mfa/setup", member.id);
            let told = world.post(member, &path, json!({"mfaType": "app"})).await;
            let secret = told.is(200)["secret"].as_str().unwrap();
            json!({"id": member.id, "mfaType": "app", "passcode": world.passcode(secret, 0)})
        }
        "EnableFactor" | "SetPreferredFactor" => {
            world.enrol(member).await;
            app
        }
        "DisableMfa" | "ReissueRecoveryCodes" => {
            world.enrol(member).await;
            let path = format!("/v1/users/{}/mfa/recovery-codes", member.id);
            let told = world.post(member, &path, json!({})).await;
            let code = &told.is(200)["recoveryCodes"][0];
            match name {
                "DisableMfa" => json!({"id": member.id, "recoveryCode": code}),
                _ => json!({"id": member.id}),
            }
        }
        other => panic!("say how {other} is called well"),
    }
}

/// A passkey of somebody, who has not so many.
async fn passkey(world: &World, member: &Actor) -> String {
    let path = format!("/v1/users/{}/passkeys", member.id);
    let listed = world.get(member, &path).await;
    match listed.is(200)["items"][0]["id"].as_str() {
        Some(id) => id.to_owned(),
        None => world.add_passkey(member).await.id,
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
        "ListSigningKeys" => json!({}),
        "RotateSigningKeys" => json!({"immediately": false}),
        "ListAuditEvents" => json!({"limit": 50}),
        other => panic!("say how {other} is called well"),
    }
}
