//! Two tenants, and what of the one the other could name.

use serde_json::{Map, Value};

use crate::calls::{application, credential, group, role, session, session_id, user};
use crate::every_field::put;
use crate::wire::Rpc;
use crate::world::{Actor, Answer, World};

/// An id that nobody has.
const NOBODY: &str = "0198a9e2-0000-7000-8000-0000000000ab";

/// Which record a field names. A new field must be put in its place here.
#[expect(clippy::match_same_arms, reason = "one line for each service")]
pub fn names(rpc: &Rpc, place: &[String]) -> Names {
    let path = place.join(".");
    let service = rpc.method.parent_service().name().to_owned();
    match (service.as_str(), path.as_str()) {
        ("UserService" | "MfaService", "id") => Names::User,
        ("MfaService", "group") => Names::Group,
        ("GroupService", "id") => Names::Group,
        ("ApplicationService", "id") => Names::Application,
        ("OrganizationService", "id") => Names::Organization,
        ("RoleService", "subjectId") => Names::Filter,
        ("RoleService", "role") => Names::Role,
        ("RoleService", "id") => match rpc.name.as_str() {
            "GrantGroupRole" | "RevokeGroupRole" => Names::Group,
            "GrantUserRole" | "RevokeUserRole" => Names::User,
            "GrantApplicationRole" | "RevokeApplicationRole" => Names::Application,
            _ => Names::Role,
        },
        ("SessionService", "id") if rpc.name == "ListSessions" => Names::User,
        ("SessionService", "id") => Names::Session,
        (_, "credentialId" | "passkeyId") => Names::Credential,
        (_, "userId") => Names::User,
        (_, "groups.[]") => Names::Group,
        ("ApplicationService", "roles.[]") => Names::Role,
        ("AuthService", "clientId") => Names::Client,
        ("AuthService", "refreshToken") => Names::Refresh,
        ("AuthService", "idTokenHint" | "token") => Names::Hint,
        ("AuthorizeService", "sub" | "questions.[].sub") => Names::Subject,
        ("AuthorizeService", "changes.[].group.id" | "changes.[].role.id") => Names::Chosen,
        ("AuthorizeService", "changes.[].member.groupId") => Names::GroupById,
        ("AuthorizeService", "changes.[].grant.roleId") => Names::RoleById,
        ("AuthorizeService", "changes.[].member.id" | "changes.[].grant.id") => Names::User,
        ("ReplicaService", "organizationId" | "organizationIds.[]") => Names::Organization,
        (_, "pageToken" | "cursor") => Names::Filter,
        ("AuditService", "actorId" | "targetId" | "action") => Names::Filter,
        ("ManifestService", _) | ("OrganizationService", "slug" | "name") => Names::Nothing,
        (_, path) if path.starts_with("changes.[].manifest.") => Names::Nothing,
        (_, path) if PLAIN.contains(&inner(path)) => Names::Nothing,
        (service, path) => panic!("say what `{path}` of {service} names"),
    }
}

/// A field of a question or of a step, as if it were the request's own.
fn inner(path: &str) -> &str {
    let outer = [
        "questions.[].",
        "changes.[].group.",
        "changes.[].member.",
        "changes.[].role.",
        "changes.[].grant.",
    ];
    let rest = outer.iter().find_map(|outer| path.strip_prefix(outer));
    rest.unwrap_or(path)
}

/// What becomes of a call that names another tenant's record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is refused with this status.
    Refused(u16),
    /// It is done: an id of the caller's choice means nothing, and what is not there is left out.
    Done,
    /// One answer of many is that there is no such record.
    OneRefused,
}

/// What becomes of a call that names another tenant's record in this place.
pub fn fate(rpc: &Rpc, place: &[String]) -> Fate {
    match rpc.name.as_str() {
        "IssueToken" | "RefreshToken" | "ResetForgottenPassword" | "FinishPasskeySignIn" => {
            Fate::Refused(401)
        }
        "RenamePasskey" | "DeletePasskey" if place == ["passkeyId"] => Fate::Refused(404),
        // Oneself only, whoever else it is; the installation's are no tenant's; and a machine is
        // fed with its own.
        "UpdatePassword"
        | "SetUpFactor"
        | "VerifyFactor"
        | "EnableFactor"
        | "SendMfaProof"
        | "DisableMfa"
        | "SetPreferredFactor"
        | "RenamePasskey"
        | "DeletePasskey"
        | "ReissueRecoveryCodes"
        | "GetOrganization"
        | "UpdateOrganization"
        | "StreamFacts"
        | "StreamChanges" => Fate::Refused(403),
        // A token of somebody else is worth nothing here, which is no error.
        "BeginPasskeySignIn" | "ForgotPassword" | "GetHeads" | "IntrospectToken"
        | "RevokeToken" => Fate::Done,
        "BatchAuthorize" => Fate::OneRefused,
        _ if names(rpc, place) == Names::Chosen => Fate::Done,
        _ => Fate::Refused(404),
    }
}

const PLAIN: [&str; 56] = [
    "ceremony",
    "credential",
    "knownDevice",
    "language",
    "mfaToken",
    "mfaType",
    "mode",
    "methods.[]",
    "phone",
    "passcode",
    "recoveryCode",
    "secret",
    "countryCode",
    "deviceToken",
    "acrValues",
    "settings.redirectUris.[]",
    "settings.postLogoutRedirectUris.[]",
    "settings.backchannelLogoutUri",
    "settings.grantTypes.[]",
    "settings.resources.[]",
    "accentColor",
    "publicKey",
    "attributes.{key}",
    "attributes.{value}",
    "products.[]",
    "type",
    "limits.[].attribute",
    "limits.[].values.[]",
    "status",
    "username",
    "email",
    "firstName",
    "lastName",
    "password",
    "passwordHash",
    "oldPassword",
    "newPassword",
    "name",
    "description",
    "product",
    "tokenAlgorithm",
    "grantType",
    "clientSecret",
    "scope",
    "resource",
    "action",
    "updateMask",
    "permissions.[].resource",
    "permissions.[].action",
    "owner.username",
    "owner.email",
    "owner.firstName",
    "owner.lastName",
    "owner.password",
    "slug",
    "version",
];

pub fn spoilt(good: &Map<String, Value>, place: &[String], text: &str) -> Map<String, Value> {
    let mut value = Value::Object(good.clone());
    put(&mut value, place, text);
    value.as_object().unwrap().clone()
}

/// An answer, less what repeats the request and what is another one each time.
pub fn likeness(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    match body.as_array_mut() {
        Some(messages) => messages.iter_mut().for_each(settle),
        None => settle(&mut body),
    }
    (answer.status.as_u16(), body)
}

fn settle(message: &mut Value) {
    const UNSETTLED: [&str; 9] = [
        "ceremony",
        "options",
        "requestId",
        "instance",
        "decisionId",
        "timestamp",
        "freshness",
        "ageUs",
        "time",
    ];
    if let Some(message) = message.as_object_mut() {
        message.retain(|key, _| !UNSETTLED.contains(&key.as_str()));
    }
}

pub fn assert_nothing_of_beta(text: &str, two: &Two, what: &str) {
    let marks = [
        &two.user,
        &two.group,
        &two.role,
        two.application["id"].as_str().unwrap(),
        &two.beta.id,
        "admin-of-beta",
    ];
    for mark in marks {
        assert!(!text.contains(mark), "{what} shows {mark}: {text}");
    }
}

/// What a string field of a request names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// A record, by id or by id and name.
    User,
    Group,
    GroupById,
    Role,
    RoleById,
    Application,
    Organization,
    /// Somebody's credential.
    Client,
    Refresh,
    Hint,
    Credential,
    Session,
    /// A subject of decisions.
    Subject,
    /// What is to come, by an id of the caller's choice.
    Chosen,
    /// A narrowing of a list.
    Filter,
    /// No record of a tenant.
    Nothing,
}

/// Two tenants, and what the second one has.
pub struct Two {
    pub world: World,
    pub alpha: Actor,
    pub beta: Actor,
    pub user: String,
    pub group: String,
    pub role: String,
    pub application: Value,
    pub session: Value,
}

impl Two {
    pub async fn new() -> Self {
        // A call that is good once is good again: the same password may be set twice.
        let settings = [
            ("GATEPOST_MULTI_TENANT", "true"),
            ("GATEPOST_PASSWORD_HISTORY", "0"),
        ];
        let world = World::start_with(&settings).await;
        let (alpha, beta) = (
            world.organization("alpha").await,
            world.organization("beta").await,
        );
        let (user, group) = (user(&world, &beta).await, group(&world, &beta).await);
        let (role, application) = (role(&world, &beta).await, application(&world, &beta).await);
        let session = session(&world, &beta).await;
        Self {
            world,
            alpha,
            beta,
            user,
            group,
            role,
            application,
            session,
        }
    }

    /// Everything that the second tenant has, as its administrator sees it.
    pub async fn beta_has(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for list in ["users", "groups", "roles", "applications", "audit-events"] {
            let answer = self
                .world
                .get(&self.beta, &format!("/v1/{list}?limit=100"))
                .await;
            assert_eq!(answer.status.as_u16(), 200, "{list}: {}", answer.body);
            all.push(answer.headers["gatepost-revision"].to_str().unwrap().into());
            all.push(answer.body);
        }
        all
    }

    /// Names of the second tenant's record, and for each a name that nobody has.
    pub async fn foreign(&self, names: Names) -> Vec<(String, &'static str)> {
        let name = async |path: &str, key: &str| {
            let answer = self.world.get(&self.beta, path).await;
            answer.body[key].as_str().unwrap().to_owned()
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        match names {
            Names::User => vec![(self.user.clone(), NOBODY)],
            Names::GroupById | Names::Chosen => vec![(self.group.clone(), NOBODY)],
            Names::RoleById => vec![(self.role.clone(), NOBODY)],
            Names::Group => {
                let path = format!("/v1/groups/{}", self.group);
                vec![
                    (self.group.clone(), NOBODY),
                    (name(&path, "name").await, "nobody's group"),
                ]
            }
            Names::Role => {
                let path = format!("/v1/roles/{}", self.role);
                vec![
                    (self.role.clone(), NOBODY),
                    (name(&path, "name").await, "nobody's role"),
                ]
            }
            Names::Application => vec![(text(&self.application["id"]), NOBODY)],
            Names::Client => vec![(text(&self.application["clientId"]), "nobody")],
            Names::Subject => {
                vec![
                    (
                        format!("beta/{}", self.user),
                        "beta/0198a9e2-0000-7000-8000-0000000000ab",
                    ),
                    (
                        format!("alpha/{}", self.user),
                        "alpha/0198a9e2-0000-7000-8000-0000000000ab",
                    ),
                    (self.user.clone(), NOBODY),
                ]
            }
            Names::Session => vec![(text(&session_id(&self.session)), NOBODY)],
            Names::Credential => {
                let id = credential(&self.world, &self.beta, &self.application).await;
                vec![(text(&id), NOBODY)]
            }
            Names::Organization => vec![(self.beta_id().await, NOBODY)],
            Names::Refresh | Names::Hint | Names::Filter | Names::Nothing => Vec::new(),
        }
    }

    pub async fn beta_id(&self) -> String {
        let list = self
            .world
            .get(&self.world.admin, "/v1/organizations")
            .await
            .body;
        let items = list["items"].as_array().unwrap();
        let beta = items.iter().find(|item| item["slug"] == "beta").unwrap();
        beta["id"].as_str().unwrap().to_owned()
    }
}

/// Every way to name a tenant that anybody has thought of.
pub fn forged(beta: &str) -> Vec<(&'static str, String)> {
    [
        "x-tenant-id",
        "x-tenant",
        "tenant-id",
        "md-tenant-id",
        "x-organization-id",
        "x-organization",
        "organization-id",
        "gatepost-tenant-id",
        "gatepost-organization",
        "gatepost-organization-id",
        "gatepost-scope",
        "x-owner",
        "x-lerian-tenant",
        "x-forwarded-user",
    ]
    .into_iter()
    .map(|name| (name, beta.to_owned()))
    .chain([
        ("x-forwarded-host", "beta.example".to_owned()),
        ("x-tenant-slug", "beta".to_owned()),
    ])
    .collect()
}
