//! The keys that sign tokens. They belong to the system organization.

use gatepost_core::signing::Turn;
use gatepost_core::{Algorithm, Change, Fact};
use sea_orm::{
    ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select,
};
use time::OffsetDateTime;

use crate::columns;
use crate::entity::signing_keys;
use crate::error::{Result, StoreError};
use crate::scope::Scope;
use crate::times::{instant, maybe_instant, micros};

const NOUN: &str = "signing key";
const TABLE: &str = "signing_keys";

/// A key that signs or signed tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Which key; never used twice.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public key as JWK JSON.
    pub jwk: String,
    /// The private key, sealed under the master key.
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it signs; `None` when no key was before it.
    pub signs_from: Option<OffsetDateTime>,
    /// From when on another one signs, and it only proves old tokens; `None` while no other is to.
    pub retired_at: Option<OffsetDateTime>,
}

impl SigningKey {
    /// Its turn among the keys of its algorithm.
    pub fn turn(&self) -> Turn {
        Turn {
            made_s: self.created_at.unix_timestamp(),
            from_s: self.signs_from.map(OffsetDateTime::unix_timestamp),
            until_s: self.retired_at.map(OffsetDateTime::unix_timestamp),
        }
    }

    pub(crate) fn fact(&self) -> Fact {
        Fact::SigningKey {
            kid: self.kid.clone(),
            algorithm: self.algorithm,
            jwk: self.jwk.clone(),
            signs: self.retired_at.is_none(),
        }
    }

    pub(crate) fn read(row: signing_keys::Model) -> Result<Self> {
        Ok(Self {
            algorithm: columns::algorithm(&row.algorithm, TABLE, "algorithm", &row.kid)?,
            created_at: instant(row.created_at, TABLE, &row.kid)?,
            signs_from: maybe_instant(row.signs_from, TABLE, &row.kid)?,
            retired_at: maybe_instant(row.retired_at, TABLE, &row.kid)?,
            kid: row.kid,
            jwk: row.jwk,
            sealed_private: row.sealed_private,
        })
    }
}

/// The signing keys; there are none outside the system organization.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    scope: &'a Scope,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<signing_keys::Entity> {
        signing_keys::Entity::find()
            .filter(signing_keys::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    /// The key of this kid, if there is one.
    pub async fn get(self, kid: &str) -> Result<Option<SigningKey>> {
        let row = self
            .own()
            .filter(signing_keys::Column::Kid.eq(kid))
            .one(self.scope.database())
            .await?;
        row.map(SigningKey::read).transpose()
    }

    /// All keys, retired ones too, newest first.
    pub async fn list(self) -> Result<Vec<SigningKey>> {
        let rows = self
            .own()
            .order_by_desc(signing_keys::Column::CreatedAt)
            .order_by_desc(signing_keys::Column::Kid)
            .all(self.scope.database())
            .await?;
        rows.into_iter().map(SigningKey::read).collect()
    }

    /// Adds a key. `Conflict` when the kid was used before, `Outside` when this is not the system
    /// organization.
    pub async fn insert(self, key: &SigningKey) -> Result<()> {
        self.scope.require_system(NOUN)?;
        let row = signing_keys::Model {
            kid: key.kid.clone(),
            organization_id: self.scope.organization_uuid(),
            algorithm: key.algorithm.name().to_owned(),
            jwk: key.jwk.clone(),
            sealed_private: key.sealed_private.clone(),
            created_at: micros(key.created_at),
            signs_from: key.signs_from.map(micros),
            retired_at: key.retired_at.map(micros),
        };
        signing_keys::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &[("kid", "kid")]))?;
        self.scope.record(Change::created(key.fact()));
        Ok(())
    }

    /// Has a key sign no more from that moment on, which may be to come; it goes on to prove old
    /// tokens. The moment of one that has it already stays. `NotFound` when there is none.
    pub async fn retire(self, kid: &str, at: OffsetDateTime) -> Result<()> {
        let before = self
            .get(kid)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        if before.retired_at.is_some() {
            return Ok(());
        }
        let row = signing_keys::ActiveModel {
            retired_at: ActiveValue::Set(Some(micros(at))),
            ..Default::default()
        };
        signing_keys::Entity::update_many()
            .set(row)
            .filter(signing_keys::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(signing_keys::Column::Kid.eq(kid))
            .exec(self.scope.database())
            .await?;
        let after = SigningKey {
            retired_at: Some(at),
            ..before.clone()
        };
        self.scope
            .record(Change::updated(before.fact(), after.fact()));
        Ok(())
    }

    /// Removes a key: its tokens are worth nothing from now on. `NotFound` when there is none.
    pub async fn delete(self, kid: &str) -> Result<()> {
        let key = self
            .get(kid)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        signing_keys::Entity::delete_many()
            .filter(signing_keys::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(signing_keys::Column::Kid.eq(kid))
            .exec(self.scope.database())
            .await?;
        self.scope.record(Change::removed(key.fact()));
        Ok(())
    }
}
