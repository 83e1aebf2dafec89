//! One example of every RPC, in an order in which each of them succeeds.

use gatepost_proto::rpc::RpcInfo;
use gatepost_proto::rules::RULES;
use serde_json::{Value, json};

use crate::world::{NEXT_PASSWORD, PASSWORD};

/// A call, and what later calls need of its answer.
pub struct Example {
    name: &'static str,
    /// The request as JSON; `$name` stands for what an earlier answer gave.
    pub request: Value,
    /// Names for parts of the answer, as JSON pointers.
    pub keep: &'static [(&'static str, &'static str)],
}

impl Example {
    /// The RPC.
    pub fn rpc(&self) -> &'static RpcInfo {
        let mut rpcs = RULES.iter();
        let found = rpcs.find(|rpc| rpc.name.split('.').next_back() == Some(self.name));
        found.unwrap_or_else(|| panic!("there is no RPC `{}`", self.name))
    }
}

fn example(name: &'static str, request: Value) -> Example {
    Example {
        name,
        request,
        keep: &[],
    }
}

impl Example {
    fn keep(mut self, keep: &'static [(&'static str, &'static str)]) -> Self {
        self.keep = keep;
        self
    }
}

/// The examples.
pub fn examples() -> Vec<Example> {
    let parts = [
        tokens(),
        users(),
        factors(),
        groups(),
        questions(),
        roles(),
        applications(),
        installation(),
        endings(),
        vec![example(
            "AuthService/ResetForgottenPassword",
            json!({"token": "$token", "newPassword": NEXT_PASSWORD}),
        )],
    ];
    parts.into_iter().flatten().collect()
}

fn tokens() -> Vec<Example> {
    let sign_in = json!({"grantType": "password", "username": "admin", "password": PASSWORD});
    let question = json!({
        "product": "midaz", "resource": "accounts", "action": "get", "minRevision": "1",
    });
    vec![
        example("AuthService/IssueToken", sign_in)
            .keep(&[("refresh", "/refreshToken"), ("session", "/accessToken")]),
        example(
            "AuthService/RefreshToken",
            json!({"refreshToken": "$refresh"}),
        ),
        example(
            "AuthService/ForgotPassword",
            json!({"username": "nobody", "language": "pt"}),
        ),
        example("AuthService/IntrospectToken", json!({"token": "$session"})),
        example("AuthService/RevokeToken", json!({"token": "no token"})),
        example("AuthService/ListJsonWebKeys", json!({})),
        example("AuthService/GetUserInfo", json!({})),
        example("AuthService/ListPermissions", json!({})),
        example("AuthorizeService/Authorize", question),
    ]
}

fn questions() -> Vec<Example> {
    let asked = json!({"product": "midaz", "resource": "accounts", "action": "get"});
    let named = |field: &str, name: &str| json!({"product": "midaz", field: name, "limit": 2});
    let member = json!({"groupId": "$team", "type": "user", "id": "$alice"});
    let question = json!({
        "product": "midaz", "resource": "ledgers", "action": "post",
        "attributes": {"ledger": "main"},
    });
    let change = json!({"changes": [{"member": member}], "questions": [question]});
    let two = json!({"product": "midaz", "questions": [
        {"resource": "accounts", "action": "get"},
        {"resource": "", "action": "get"},
    ]});
    vec![
        example("AuthorizeService/BatchAuthorize", two),
        example("AuthorizeService/Explain", asked.clone()),
        example("AuthorizeService/SearchSubjects", asked),
        example("AuthorizeService/SearchResources", named("action", "get")),
        example(
            "AuthorizeService/SearchActions",
            named("resource", "accounts"),
        ),
        example("AuthorizeService/Simulate", change),
    ]
}

fn users() -> Vec<Example> {
    let alice = json!({
        "username": "alice", "email": "alice@example.com", "firstName": "Alice",
        "lastName": "Smith", "password": PASSWORD, "groups": ["midaz-viewer-group"],
    });
    let password = json!({
        "id": "$admin", "oldPassword": PASSWORD, "newPassword": NEXT_PASSWORD,
    });
    vec![
        example("UserService/CreateUser", alice).keep(&[("alice", "/id")]),
        example("UserService/GetUser", json!({"id": "$alice"})),
        example("UserService/ListUsers", json!({"page": 1, "limit": 2})),
        example(
            "UserService/UpdateUser",
            json!({"id": "$alice", "firstName": "Alicia"}),
        ),
        example("UserService/UpdatePassword", password),
        example(
            "UserService/ResetPassword",
            json!({"id": "$alice", "newPassword": NEXT_PASSWORD}),
        ),
    ]
}

fn factors() -> Vec<Example> {
    let own = |fields: &[(&str, &str)]| {
        let fields = fields.iter().chain(&[("id", "$admin")]);
        fields
            .map(|(name, text)| ((*name).to_owned(), json!(text)))
            .collect::<Value>()
    };
    let app = own(&[("mfaType", "app")]);
    let proof = own(&[("mfaType", "app"), ("passcode", "$passcode")]);
    let sign_in =
        |name: &str| json!({"grantType": "password", "username": name, "password": NEXT_PASSWORD});
    let policy = |mode: &str| json!({"mode": mode, "methods": ["app"]});
    vec![
        example("MfaService/SetUpFactor", app.clone()).keep(&[
            ("secret", "/secret"),
            ("recovery", "/recoveryCodes/0"),
            ("rescue", "/recoveryCodes/1"),
        ]),
        example("MfaService/VerifyFactor", proof),
        example("MfaService/EnableFactor", app.clone()),
        example("MfaService/SetPreferredFactor", app),
        example("MfaService/GetMfa", json!({"id": "$admin"})),
        example("MfaService/ListPasskeys", json!({"id": "$admin"})),
        example("AuthService/BeginPasskeySignIn", json!({})),
        example("AuthService/IssueToken", sign_in("admin")).keep(&[("challenge", "/mfaToken")]),
        example(
            "AuthService/VerifyMfa",
            json!({"mfaToken": "$challenge", "recoveryCode": "$recovery", "rememberDevice": true}),
        ),
        example("MfaService/DisableMfa", own(&[("recoveryCode", "$rescue")])),
        example("MfaService/SetMfaPolicy", policy("required")),
        example("AuthService/IssueToken", sign_in("alice")).keep(&[("enrolment", "/mfaToken")]),
        example(
            "AuthService/EnrolMfa",
            json!({"mfaToken": "$enrolment", "mfaType": "app"}),
        ),
        example("MfaService/SetMfaPolicy", policy("optional")),
        example("MfaService/ListMfaPolicies", json!({})),
        example("MfaService/ResetMfa", json!({"id": "$alice"})),
    ]
}

fn groups() -> Vec<Example> {
    let member = json!({"id": "team", "userId": "$alice"});
    let role = json!({"id": "team", "role": "reporter-viewer-role"});
    vec![
        example(
            "GroupService/CreateGroup",
            json!({"name": "team", "groups": ["admin-group"]}),
        )
        .keep(&[("team", "/id")]),
        example("GroupService/GetGroup", json!({"id": "$team"})),
        example("GroupService/ListGroups", json!({"limit": 100})),
        example(
            "GroupService/UpdateGroup",
            json!({"id": "$team", "name": "Team"}),
        ),
        example("GroupService/AddGroupMember", member.clone()),
        example("RoleService/GrantGroupRole", role.clone()),
        example("RoleService/RevokeGroupRole", role),
        example("GroupService/RemoveGroupMember", member),
    ]
}

fn roles() -> Vec<Example> {
    let deny = json!({"resource": "accounts", "action": "*", "effect": "PERMISSION_EFFECT_DENY"});
    let bakers = json!({"name": "bakers", "product": "midaz", "permissions": [deny]});
    let held = json!({"id": "$alice", "role": "bakers"});
    let for_a_while = json!({
        "id": "$alice", "role": "bakers", "expiresAt": "2999-12-31T00:00:00Z",
        "limits": [{"attribute": "ledger_id", "values": ["1"]}],
    });
    vec![
        example("RoleService/CreateRole", bakers).keep(&[("bakers", "/id")]),
        example("RoleService/GetRole", json!({"id": "$bakers"})),
        example("RoleService/ListRoles", json!({"limit": 100})),
        example(
            "RoleService/UpdateRole",
            json!({"id": "bakers", "description": "They bake."}),
        ),
        example("RoleService/GrantUserRole", held.clone()),
        example("RoleService/GrantUserRole", for_a_while),
        example("RoleService/ListGrants", json!({"subjectId": "$alice"})),
        example("RoleService/RevokeUserRole", held),
    ]
}

fn applications() -> Vec<Example> {
    let worker = json!({"name": "midaz", "description": "It works.", "tokenAlgorithm": "ES256",
        "settings": {
            "redirectUris": ["https://app.test/cb"], "grantTypes": ["authorization_code"],
            "postLogoutRedirectUris": ["https://app.test/"], "resources": ["urn:example:api"],
            "backchannelLogoutUri": "https://app.test/logout", "refreshIdleSeconds": 600,
        },
    });
    let held = json!({"id": "$midaz", "role": "reporter-viewer-role"});
    vec![
        example("ApplicationService/CreateApplication", worker).keep(&[("midaz", "/id")]),
        example("ApplicationService/GetApplication", json!({"id": "$midaz"})),
        example("ApplicationService/ListApplications", json!({})),
        example(
            "ApplicationService/UpdateApplication",
            json!({"id": "$midaz", "name": "ledger"}),
        ),
        example("RoleService/GrantApplicationRole", held.clone()),
        example("RoleService/RevokeApplicationRole", held),
        example(
            "ApplicationService/CreateCredential",
            json!({"id": "$midaz"}),
        )
        .keep(&[("credential", "/id")]),
        example(
            "ApplicationService/ListCredentials",
            json!({"id": "$midaz"}),
        ),
        example(
            "ApplicationService/RevokeCredential",
            json!({"id": "$midaz", "credentialId": "$credential"}),
        ),
        example(
            "ApplicationService/DeleteApplication",
            json!({"id": "$midaz"}),
        ),
    ]
}

fn installation() -> Vec<Example> {
    let bakery = json!({
        "slug": "bakery", "name": "Bakery", "owner": {
            "username": "olivia", "email": "olivia@example.com", "firstName": "Olivia",
            "lastName": "Baker", "password": PASSWORD,
        },
    });
    let tracer = json!({
        "slug": "tracer", "version": "1", "aliases": ["old-tracer"],
        "roles": [{"name": "tracer-role", "grantedTo": [{"group": "admin-group"}]}],
        "permissions": [{"resource": "reservations", "action": "get", "roles": ["tracer-role"]}],
    });
    vec![
        example("OrganizationService/CreateOrganization", bakery).keep(&[("bakery", "/id")]),
        example(
            "OrganizationService/GetOrganization",
            json!({"id": "$bakery"}),
        ),
        example("OrganizationService/ListOrganizations", json!({})),
        example(
            "OrganizationService/UpdateOrganization",
            json!({"id": "$bakery", "name": "Bakers", "status": "suspended"}),
        ),
        example("ManifestService/PublishManifest", tracer),
        example("ManifestService/GetManifest", json!({"slug": "old-tracer"})),
        example("SigningKeyService/RotateSigningKeys", json!({})),
        example("SigningKeyService/ListSigningKeys", json!({})),
    ]
}

fn endings() -> Vec<Example> {
    let another_device = json!({
        "grantType": "password", "username": "admin", "password": NEXT_PASSWORD,
    });
    vec![
        example("RoleService/DeleteRole", json!({"id": "bakers"})),
        example(
            "GroupService/UpdateGroup",
            json!({
                "id": "team", "groups": [], "updateMask": "groups",
            }),
        ),
        example("GroupService/DeleteGroup", json!({"id": "Team"})),
        example("AuthService/IssueToken", another_device),
        example("SessionService/ListSessions", json!({"id": "$admin"}))
            .keep(&[("device", "/items/1/id")]),
        example("SessionService/EndSession", json!({"id": "$device"})),
        example("UserService/DeleteUser", json!({"id": "$alice"})),
        example("AuthService/Logout", json!({"idTokenHint": "$session"})),
        example("AuditService/ListAuditEvents", json!({"limit": 20})),
    ]
}
