//! Answers to creates that may be asked again.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use time::OffsetDateTime;

use crate::entity::idempotency_keys;
use crate::error::{Result, StoreError};
use crate::scope::Scope;
use crate::times::{instant, micros};

/// How long an answer is kept.
const KEPT_US: i64 = 86_400_000_000;

/// What was answered to a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The caller's key, made the caller's own: unique in the organization.
    pub key: String,
    /// Which RPC.
    pub rpc: String,
    /// Hash of the request: the same key with another request is a mistake.
    pub request_hash: Vec<u8>,
    /// The answer, encoded.
    pub response: Vec<u8>,
    /// When it was answered.
    pub created_at: OffsetDateTime,
}

impl IdempotencyRecord {
    /// Whether the answer is too old to be given again.
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        micros(self.created_at) <= micros(now) - KEPT_US
    }
}

/// The kept answers of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Idempotency<'a> {
    scope: &'a Scope,
}

impl<'a> Idempotency<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    /// The answer under this key, if there is one. The caller judges its age.
    pub async fn get(self, key: &str) -> Result<Option<IdempotencyRecord>> {
        let row = idempotency_keys::Entity::find()
            .filter(idempotency_keys::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(idempotency_keys::Column::Key.eq(key))
            .one(self.scope.database())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(IdempotencyRecord {
            created_at: instant(row.created_at, "idempotency_keys", &row.key)?,
            key: row.key,
            rpc: row.rpc,
            request_hash: row.request_hash,
            response: row.response,
        }))
    }

    /// Keeps an answer; it is written with the change that it answers, or not at all. `Conflict`
    /// when there is one under this key that is not too old.
    pub async fn put(self, record: &IdempotencyRecord) -> Result<()> {
        self.prune(record.created_at).await?;
        let row = idempotency_keys::Model {
            organization_id: self.scope.organization_uuid(),
            key: record.key.clone(),
            rpc: record.rpc.clone(),
            request_hash: record.request_hash.clone(),
            response: record.response.clone(),
            created_at: micros(record.created_at),
        };
        idempotency_keys::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| {
                StoreError::from_insert(error, "idempotency record", &[("key", "key")])
            })?;
        Ok(())
    }

    /// Removes answers that are a day old.
    pub(crate) async fn prune(self, now: OffsetDateTime) -> Result<u64> {
        let done = idempotency_keys::Entity::delete_many()
            .filter(idempotency_keys::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(idempotency_keys::Column::CreatedAt.lte(micros(now) - KEPT_US))
            .exec(self.scope.database())
            .await?;
        Ok(done.rows_affected)
    }
}
