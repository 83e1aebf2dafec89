//! Decisions and the way to them as the contract tells them.

use gatepost_core::explain::{GiverId, GrantPath, MissingGrant, Named, Remedy};
use gatepost_core::mfa::Demand;
use gatepost_core::{AttributeLimit, Decision, Effect, Permission, Subject};
use gatepost_proto::authorize::v1 as pb;
use gatepost_proto::identity::v1 as identity;
use gatepost_replica::Answer;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::context::Caller;

/// An id as text, past the machinery of formats: it is a part of every answer.
pub fn id(id: Uuid) -> String {
    id.hyphenated()
        .encode_lower(&mut Uuid::encode_buffer())
        .to_owned()
}

/// A decision about a subject, by the contract's words.
pub fn answer(subject: Subject, decision: Decision) -> pb::Answer {
    let Decision { allowed, reason } = decision;
    let answer = Answer {
        allowed,
        reason,
        subject,
        demand: None,
    };
    pb::Answer {
        authorized: allowed,
        reason: answer.word().to_owned(),
        error: None,
        acr: None,
        max_age_seconds: None,
    }
}

/// What sign-in to ask for: its `acr`, and how old it may be at the most, in seconds.
pub fn demanded(demand: Option<Demand>) -> (Option<String>, Option<i32>) {
    let acr = demand.map(|demand| demand.acr().to_owned());
    let age = demand.map(|demand| demand.max_age_s).filter(|age| *age > 0);
    let age = age.map(|age| i32::try_from(age).unwrap_or(i32::MAX));
    (acr, age)
}

/// A subject as Authorize takes it: `<owner>/<id>`.
pub fn sub(caller: &Caller, subject: Subject) -> String {
    let own = caller.present.organization.organization();
    let slug = own.map_or(caller.token.claims.owner.as_str(), |own| &own.slug);
    match subject {
        Subject::User(id) => format!("{slug}/{id}"),
        Subject::Application(id) => format!("{slug}/{id}"),
    }
}

/// A path.
pub fn path(path: GrantPath) -> pb::GrantPath {
    let permission = Permission::new(&path.product, &path.line.resource, &path.line.action);
    let effect = match path.line.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let until = path.until.map(OffsetDateTime::from_unix_timestamp);
    pb::GrantPath {
        groups: path.groups.into_iter().map(record).collect(),
        role: Some(record(path.role)),
        everyone: path.everyone,
        permission: permission.to_string(),
        effect: effect.to_owned(),
        expires_at: until.and_then(Result::ok).map(Into::into),
        limits: path.limits.into_iter().map(limit).collect(),
        unmet: path.unmet,
    }
}

fn record<T: ToString>(named: Named<T>) -> pb::NamedRecord {
    pb::NamedRecord {
        id: named.id.to_string(),
        name: named.name,
    }
}

fn limit(limit: AttributeLimit) -> identity::AttributeLimit {
    identity::AttributeLimit {
        attribute: limit.attribute,
        values: limit.values,
    }
}

/// What is missing.
pub fn missing(missing: MissingGrant) -> pb::MissingGrant {
    let (kind, id) = match missing.remedy {
        Remedy::Group(id) => ("group", id.to_string()),
        Remedy::Role(id) => ("role", id.to_string()),
    };
    let givers = missing.givers.into_iter().map(|giver| {
        let (kind, id) = match giver.id {
            GiverId::Group(id) => ("group", id.to_string()),
            GiverId::User(id) => ("user", id.to_string()),
        };
        let name = giver.name;
        pb::Giver {
            kind: kind.to_owned(),
            target: Some(pb::NamedRecord { id, name }),
        }
    });
    pb::MissingGrant {
        kind: kind.to_owned(),
        target: Some(pb::NamedRecord {
            id,
            name: missing.name,
        }),
        added_permissions: u32::try_from(missing.added_count).unwrap_or(u32::MAX),
        added: missing.added.iter().map(Permission::to_string).collect(),
        givers: givers.collect(),
    }
}
