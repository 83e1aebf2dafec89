//! The audit log: who did what, as a hash chain for each organization.

use aws_lc_rs::digest::{SHA256, digest};
use gatepost_core::{OrganizationId, Revision};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use serde::{Serialize, Serializer};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns;
use crate::entity::audit_events;
use crate::error::Result;
use crate::list::{self, Cursor, Page, Sorting, Walk};
use crate::scope::{HeadRow, Scope};
use crate::times::{instant, micros};

/// What the caller knows of an audit record; sequence, revision and hashes come with the commit.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditDraft {
    /// Id of the record.
    pub id: Uuid,
    /// When it happened.
    pub at: OffsetDateTime,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub target: Option<Target>,
    /// What was so, without secrets. When both sides are absent, the changed facts are taken.
    pub before: Option<Value>,
    /// What is so, without secrets.
    pub after: Option<Value>,
    /// How it ended.
    pub outcome: String,
    /// Why it ended so.
    pub reason: Option<String>,
    /// Which request.
    pub request_id: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What it is: a user, an application, the program itself.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name at that time.
    pub name: String,
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its noun.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// A record of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Id of the record.
    pub id: Uuid,
    /// Its place in the organization's chain, from 1, without gaps.
    pub sequence: u64,
    /// The revision that it made.
    pub revision: Revision,
    /// When it happened.
    pub at: OffsetDateTime,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub target: Option<Target>,
    /// What was so, as JSON.
    pub before: Option<String>,
    /// What is so, as JSON.
    pub after: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// Why it ended so.
    pub reason: Option<String>,
    /// Which request.
    pub request_id: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// Hash of the record before it; zeros before the first.
    pub previous_hash: Vec<u8>,
    /// Hash of this record with the one before it.
    pub hash: Vec<u8>,
}

impl AuditEvent {
    /// The hash that this record must have in this organization's chain, if nobody changed it.
    pub fn computed_hash(&self, organization: OrganizationId) -> Result<Vec<u8>> {
        hash_of(&self.clone().row(organization))
    }

    fn row(self, organization: OrganizationId) -> audit_events::Model {
        let (target_type, target_id) = self
            .target
            .map_or((None, None), |target| (Some(target.kind), Some(target.id)));
        audit_events::Model {
            organization_id: organization.uuid(),
            sequence: i64::try_from(self.sequence).unwrap_or(i64::MAX),
            id: self.id,
            revision: i64::try_from(self.revision).unwrap_or(i64::MAX),
            at: micros(self.at),
            actor_type: self.actor.kind,
            actor_id: self.actor.id,
            actor_name: self.actor.name,
            action: self.action,
            target_type,
            target_id,
            before: self.before,
            after: self.after,
            outcome: self.outcome,
            reason: self.reason,
            request_id: self.request_id,
            address: self.address,
            previous_hash: self.previous_hash,
            hash: self.hash,
        }
    }

    fn read(row: audit_events::Model) -> Result<Self> {
        Ok(Self {
            at: instant(row.at, "audit_events", &row.id.to_string())?,
            id: row.id,
            sequence: u64::try_from(row.sequence).unwrap_or(0),
            revision: u64::try_from(row.revision).unwrap_or(0),
            actor: Actor {
                kind: row.actor_type,
                id: row.actor_id,
                name: row.actor_name,
            },
            action: row.action,
            target: row
                .target_type
                .zip(row.target_id)
                .map(|(kind, id)| Target { kind, id }),
            before: row.before,
            after: row.after,
            outcome: row.outcome,
            reason: row.reason,
            request_id: row.request_id,
            address: row.address,
            previous_hash: row.previous_hash,
            hash: row.hash,
        })
    }
}

/// The record that follows the head.
pub(crate) fn next_event(
    organization: OrganizationId,
    head: &HeadRow,
    draft: &AuditDraft,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<audit_events::Model> {
    let draft = draft.clone();
    let (target_type, target_id) = draft
        .target
        .map_or((None, None), |target| (Some(target.kind), Some(target.id)));
    let mut event = audit_events::Model {
        organization_id: organization.uuid(),
        sequence: head.audit_sequence.saturating_add(1),
        id: draft.id,
        revision: head.revision.saturating_add(1),
        at: micros(draft.at),
        actor_type: draft.actor.kind,
        actor_id: draft.actor.id,
        actor_name: draft.actor.name,
        action: draft.action,
        target_type,
        target_id,
        before: before.map(columns::to_json).transpose()?,
        after: after.map(columns::to_json).transpose()?,
        outcome: draft.outcome,
        reason: draft.reason,
        request_id: draft.request_id,
        address: draft.address,
        previous_hash: head.audit_hash.clone(),
        hash: Vec::new(),
    };
    event.hash = hash_of(&event)?;
    Ok(event)
}

/// What is hashed: the columns as they are stored, as one JSON object in this order, so that it
/// can be computed again from an export with nothing but SHA-256.
#[derive(Serialize)]
struct Canonical<'a> {
    organization_id: Uuid,
    sequence: i64,
    id: Uuid,
    revision: i64,
    at: i64,
    actor_type: &'a str,
    actor_id: &'a str,
    actor_name: &'a str,
    action: &'a str,
    target_type: Option<&'a str>,
    target_id: Option<&'a str>,
    before: Option<&'a str>,
    after: Option<&'a str>,
    outcome: &'a str,
    reason: Option<&'a str>,
    request_id: Option<&'a str>,
    address: Option<&'a str>,
    #[serde(serialize_with = "as_hex")]
    previous_hash: &'a [u8],
}

fn as_hex<S: Serializer>(bytes: &[u8], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let hex = bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    serializer.serialize_str(&hex)
}

fn hash_of(event: &audit_events::Model) -> Result<Vec<u8>> {
    let canonical = columns::to_json(&Canonical {
        organization_id: event.organization_id,
        sequence: event.sequence,
        id: event.id,
        revision: event.revision,
        at: event.at,
        actor_type: &event.actor_type,
        actor_id: &event.actor_id,
        actor_name: &event.actor_name,
        action: &event.action,
        target_type: event.target_type.as_deref(),
        target_id: event.target_id.as_deref(),
        before: event.before.as_deref(),
        after: event.after.as_deref(),
        outcome: &event.outcome,
        reason: event.reason.as_deref(),
        request_id: event.request_id.as_deref(),
        address: event.address.as_deref(),
        previous_hash: &event.previous_hash,
    })?;
    Ok(digest(&SHA256, canonical.as_bytes()).as_ref().to_vec())
}

/// Which records; what is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Done by such an actor.
    pub actor_kind: Option<String>,
    /// Done by this actor.
    pub actor_id: Option<String>,
    /// This action.
    pub action: Option<String>,
    /// Done to such a thing.
    pub target_kind: Option<String>,
    /// Done to this thing.
    pub target_id: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Not before.
    pub from: Option<OffsetDateTime>,
    /// Before.
    pub to: Option<OffsetDateTime>,
}

/// The audit log of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    scope: &'a Scope,
}

impl<'a> Audit<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<audit_events::Entity> {
        audit_events::Entity::find()
            .filter(audit_events::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    /// The record of this id, if there is one.
    pub async fn get(self, id: Uuid) -> Result<Option<AuditEvent>> {
        let row = self
            .own()
            .filter(audit_events::Column::Id.eq(id))
            .one(self.scope.database())
            .await?;
        row.map(AuditEvent::read).transpose()
    }

    /// Records, newest first. A cursor's `at` is a sequence.
    pub async fn list(self, filter: &AuditFilter, walk: Walk) -> Result<Page<AuditEvent>> {
        let mut select = self.own();
        let texts = [
            (audit_events::Column::ActorType, &filter.actor_kind),
            (audit_events::Column::ActorId, &filter.actor_id),
            (audit_events::Column::Action, &filter.action),
            (audit_events::Column::TargetType, &filter.target_kind),
            (audit_events::Column::TargetId, &filter.target_id),
            (audit_events::Column::Outcome, &filter.outcome),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                select = select.filter(column.eq(text));
            }
        }
        if let Some(from) = filter.from {
            select = select.filter(audit_events::Column::At.gte(micros(from)));
        }
        if let Some(to) = filter.to {
            select = select.filter(audit_events::Column::At.lt(micros(to)));
        }
        let sorting = Sorting {
            at: audit_events::Column::Sequence,
            id: audit_events::Column::Id,
            descending: true,
        };
        list::walk(self.scope, select, sorting, walk, |row| Cursor {
            at: row.sequence,
            id: row.id,
        })
        .await?
        .try_map(AuditEvent::read)
    }

    /// The chain behind a sequence, oldest first: what an export and its verification read.
    pub async fn chain(self, after_sequence: u64, limit: u32) -> Result<Vec<AuditEvent>> {
        let after = i64::try_from(after_sequence).unwrap_or(i64::MAX);
        let rows = self
            .own()
            .filter(audit_events::Column::Sequence.gt(after))
            .order_by_asc(audit_events::Column::Sequence)
            .limit(u64::from(limit))
            .all(self.scope.database())
            .await?;
        rows.into_iter().map(AuditEvent::read).collect()
    }
}
