//! Rows as the contract shows them.

use gatepost_core::signing::Stage;
use gatepost_core::{
    ApplicationId, Effect, GrantSubject, Member, RolePermission, SessionId, Status,
};
use gatepost_proto::identity::v1 as pb;
use gatepost_proto::timestamp::Timestamp;
use gatepost_store::{
    Application, AuditEvent, Credential, Grant, Group, Organization, Passkey, Proof, Role, Scope,
    Session, SigningKey, User,
};
use pbjson_types::Struct;
use time::OffsetDateTime;

use super::client_settings;
use crate::error::{Error, Result};
use crate::hexadecimal::hexadecimal;
use crate::token::Rotation;

/// Members that a group shows at the most.
const GROUP_USERS_SHOWN_MAX: usize = 1000;

/// A moment, to the millisecond, as clients of Lerian's Identity know it.
pub fn timestamp(at: OffsetDateTime) -> Timestamp {
    let nanos = i32::from(at.millisecond()) * 1_000_000;
    Timestamp {
        seconds: at.unix_timestamp(),
        nanos,
    }
}

/// The word for a status.
pub fn status(status: Status) -> String {
    match status {
        Status::Active => "active".to_owned(),
        Status::Suspended => "suspended".to_owned(),
    }
}

/// The status of this word.
///
/// # Errors
/// `INVALID_REQUEST` for none.
pub fn read_status(word: &str) -> Result<Status> {
    match word {
        "active" => Ok(Status::Active),
        "suspended" => Ok(Status::Suspended),
        _ => Err(Error::invalid("status", "must be `active` or `suspended`")),
    }
}

/// A user with the names of her groups.
///
/// # Errors
/// What the store answers.
pub async fn user(tx: &Scope, user: User) -> Result<pb::User> {
    let groups = tx.groups().of_user(user.id).await?;
    Ok(user_in(user, groups.into_iter().map(|group| group.name)))
}

/// Users with the names of their groups.
///
/// # Errors
/// What the store answers.
pub async fn users(tx: &Scope, users: Vec<User>) -> Result<Vec<pb::User>> {
    let ids: Vec<_> = users.iter().map(|user| user.id).collect();
    let groups = tx.groups().of_users(&ids).await?;
    let names = |id| {
        let own = groups.iter().filter(move |(user, _)| *user == id);
        own.map(|(_, group)| group.name.clone())
    };
    Ok(users
        .into_iter()
        .map(|user| {
            let id = user.id;
            user_in(user, names(id))
        })
        .collect())
}

fn user_in(user: User, groups: impl Iterator<Item = String>) -> pb::User {
    let mut groups: Vec<String> = groups.collect();
    groups.sort_unstable();
    pb::User {
        id: user.id.to_string(),
        username: user.username,
        email: user.email.unwrap_or_default(),
        first_name: user.first_name,
        last_name: user.last_name,
        groups,
        email_verified: user.email_verified,
        status: status(user.status),
        created_at: Some(timestamp(user.created_at)),
    }
}

/// Groups with their direct members and the roles that they hold now.
///
/// # Errors
/// What the store answers.
pub async fn groups(tx: &Scope, now: OffsetDateTime, groups: Vec<Group>) -> Result<Vec<pb::Group>> {
    let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    let members = tx.groups().members_of(&ids).await?;
    let mut shown = Vec::with_capacity(groups.len());
    for group in groups {
        let own = members
            .iter()
            .filter(|(id, _)| *id == group.id)
            .map(|(_, member)| *member);
        let (mut users, mut children) = (Vec::new(), Vec::new());
        for member in own {
            match member {
                Member::User(user) => users.push(user),
                Member::Group(child) => children.push(child),
            }
        }
        users.truncate(GROUP_USERS_SHOWN_MAX);
        let users = tx
            .users()
            .get_many(&users)
            .await?
            .into_iter()
            .map(|user| user.username);
        let mut names = Vec::with_capacity(children.len());
        for child in children {
            names.extend(tx.groups().get(child).await?.map(|group| group.name));
        }
        let holder = GrantSubject::Group(group.id);
        let roles = tx.grants().of(holder, now.unix_timestamp()).await?;
        shown.push(pb::Group {
            id: group.id.to_string(),
            name: group.name,
            created_at: Some(timestamp(group.created_at)),
            users: sorted(users),
            groups: sorted(names),
            roles: sorted(roles.into_iter().map(|role| role.name)),
            built_in: group.built_in,
        });
    }
    Ok(shown)
}

/// A group with its direct members and the roles that it holds now.
///
/// # Errors
/// What the store answers.
pub async fn group(tx: &Scope, now: OffsetDateTime, group: Group) -> Result<Option<pb::Group>> {
    Ok(groups(tx, now, vec![group]).await?.pop())
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_unstable();
    names
}

/// A role.
pub fn role(role: Role) -> pb::Role {
    pb::Role {
        id: role.id.to_string(),
        name: role.name,
        product: role.product,
        description: role.description,
        permissions: role.permissions.into_iter().map(permission).collect(),
        built_in: role.built_in,
        created_at: Some(timestamp(role.created_at)),
    }
}

/// A grant, with what is known of its role.
pub fn grant(grant: Grant, roles: &[Role]) -> pb::Grant {
    let role = roles.iter().find(|role| role.id == grant.role);
    let (subject_type, subject_id) = match grant.subject {
        GrantSubject::User(id) => ("user", id.to_string()),
        GrantSubject::Group(id) => ("group", id.to_string()),
        GrantSubject::Application(id) => ("application", id.to_string()),
    };
    let limits = grant.limits.into_iter();
    pb::Grant {
        subject_type: subject_type.to_owned(),
        subject_id,
        role_id: grant.role.to_string(),
        role: role.map(|role| role.name.clone()).unwrap_or_default(),
        product: role.map(|role| role.product.clone()).unwrap_or_default(),
        expires_at: grant.until.map(|seconds| Timestamp { seconds, nanos: 0 }),
        limits: limits
            .map(|limit| pb::AttributeLimit {
                attribute: limit.attribute,
                values: limit.values,
            })
            .collect(),
    }
}

fn permission(permission: RolePermission) -> pb::RolePermission {
    let effect = match permission.effect {
        Effect::Allow => pb::PermissionEffect::Allow,
        Effect::Deny => pb::PermissionEffect::Deny,
    };
    pb::RolePermission {
        resource: permission.resource,
        action: permission.action,
        effect: effect.into(),
    }
}

/// An application with the names of the roles that it holds now; never with its secret.
///
/// # Errors
/// What the store answers.
pub async fn application(
    tx: &Scope,
    now: OffsetDateTime,
    application: Application,
) -> Result<pb::Application> {
    let holder = GrantSubject::Application(application.id);
    let roles = tx.grants().of(holder, now.unix_timestamp()).await?;
    Ok(pb::Application {
        id: application.id.to_string(),
        name: application.name,
        description: application.description,
        client_id: application.client_id,
        client_secret: None,
        roles: sorted(roles.into_iter().map(|role| role.name)),
        token_algorithm: application.token_algorithm.name().to_owned(),
        status: status(application.status),
        created_at: Some(timestamp(application.created_at)),
        settings: client_settings::shown(application.settings),
    })
}

/// One secret of an application, without the secret.
pub fn credential(credential: &Credential) -> pb::Credential {
    pb::Credential {
        id: credential.id.to_string(),
        client_secret: None,
        created_at: Some(timestamp(credential.created_at)),
        public_key: match &credential.proof {
            Proof::PublicKey(jwk) => Some(jwk.clone()),
            Proof::Secret(_) => None,
        },
    }
}

/// A session, as `present` sees it.
pub fn session(session: &Session, present: SessionId) -> pb::Session {
    pb::Session {
        id: session.id.to_string(),
        application_id: session
            .application
            .as_ref()
            .map(ApplicationId::to_string)
            .unwrap_or_default(),
        created_at: Some(timestamp(session.created_at)),
        expires_at: Some(timestamp(session.expires_at)),
        current: session.id == present,
        last_seen_at: Some(timestamp(session.last_seen_at)),
        address: session.device.address.clone(),
        user_agent: session.device.agent.clone(),
        methods: session.methods.clone(),
    }
}

/// A passkey.
pub fn passkey(passkey: Passkey) -> pb::Passkey {
    pb::Passkey {
        id: passkey.id.to_string(),
        name: passkey.name,
        created_at: Some(timestamp(passkey.created_at)),
        last_used_at: passkey.last_used_at.map(timestamp),
        backed_up: passkey.backed_up,
    }
}

/// An organization.
pub fn organization(organization: Organization) -> pb::Organization {
    pb::Organization {
        id: organization.id.to_string(),
        slug: organization.slug,
        name: organization.name,
        status: status(organization.status),
        created_at: Some(timestamp(organization.created_at)),
        accent_color: organization.accent_color,
        password_sign_in: organization.password_sign_in,
    }
}

/// Signing keys as they are at `now`, the newest first.
pub fn signing_keys(
    mut keys: Vec<SigningKey>,
    rotation: &Rotation,
    now: OffsetDateTime,
) -> Vec<pb::SigningKey> {
    keys.sort_by(|left, right| {
        let newest_first = right.created_at.cmp(&left.created_at);
        newest_first.then_with(|| left.algorithm.cmp(&right.algorithm))
    });
    let shown = |key: SigningKey| {
        let stage = match key.turn().stage(now.unix_timestamp()) {
            Stage::Upcoming => "upcoming",
            Stage::Signing => "signing",
            Stage::Retired => "retired",
        };
        pb::SigningKey {
            algorithm: key.algorithm.name().to_owned(),
            stage: stage.to_owned(),
            created_at: Some(timestamp(key.created_at)),
            signs_from: Some(timestamp(key.signs_from.unwrap_or(key.created_at))),
            retires_at: key.retired_at.map(timestamp),
            proves_until: rotation.proves_until(&key).map(timestamp),
            kid: key.kid,
        }
    };
    keys.into_iter().map(shown).collect()
}

/// An audit event.
pub fn audit_event(event: AuditEvent) -> pb::AuditEvent {
    let (target_type, target_id) = event
        .target
        .map(|target| (target.kind, target.id))
        .unwrap_or_default();
    pb::AuditEvent {
        id: event.id.to_string(),
        time: Some(timestamp(event.at)),
        revision: event.revision,
        actor_type: event.actor.kind,
        actor_id: event.actor.id,
        actor_name: event.actor.name,
        action: event.action,
        target_type,
        target_id,
        before: event.before.as_deref().and_then(object),
        after: event.after.as_deref().and_then(object),
        outcome: event.outcome,
        reason: event.reason.unwrap_or_default(),
        request_id: event.request_id.unwrap_or_default(),
        address: event.address.unwrap_or_default(),
        hash: hexadecimal(&event.hash),
    }
}

/// What a record shows of a target; several facts at once become the object's `facts`.
fn object(json: &str) -> Option<Struct> {
    let mut value: serde_json::Value = serde_json::from_str(json).ok()?;
    if value.is_array() {
        value = serde_json::json!({ "facts": value });
    }
    serde_json::from_value(value).ok()
}
