//! Refresh tokens, by hash: each is good for one use.

use gatepost_core::{OrganizationId, SessionId, UserId};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Select};
use time::OffsetDateTime;

use crate::entity::refresh_tokens;
use crate::error::{Result, StoreError};
use crate::scope::Scope;
use crate::times::{instant, maybe_instant, micros};

const TABLE: &str = "refresh_tokens";

/// A refresh token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Keyed hash of the token.
    pub hash: Vec<u8>,
    /// Which session it goes on with.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The scope that was granted.
    pub scope: String,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// When it expires by itself.
    pub expires_at: OffsetDateTime,
    /// When it was used, if it was: a second use means that somebody copied it.
    pub used_at: Option<OffsetDateTime>,
}

impl RefreshToken {
    pub(crate) fn read(row: refresh_tokens::Model) -> Result<(OrganizationId, Self)> {
        // The key is a secret's hash, so the session names the row.
        let id = row.session_id.to_string();
        let token = Self {
            session: SessionId::new(row.session_id),
            user: UserId::new(row.user_id),
            issued_at: instant(row.issued_at, TABLE, &id)?,
            expires_at: instant(row.expires_at, TABLE, &id)?,
            used_at: maybe_instant(row.used_at, TABLE, &id)?,
            hash: row.hash,
            scope: row.scope,
        };
        Ok((OrganizationId::new(row.organization_id), token))
    }
}

/// The refresh tokens of one organization.
#[derive(Debug, Clone, Copy)]
pub struct RefreshTokens<'a> {
    scope: &'a Scope,
}

impl<'a> RefreshTokens<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self, hash: &[u8]) -> Select<refresh_tokens::Entity> {
        refresh_tokens::Entity::find()
            .filter(refresh_tokens::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(refresh_tokens::Column::Hash.eq(hash))
    }

    /// The token of this hash, used or not, if there is one.
    pub async fn get(self, hash: &[u8]) -> Result<Option<RefreshToken>> {
        let row = self.own(hash).one(self.scope.database()).await?;
        row.map(|row| Ok(RefreshToken::read(row)?.1)).transpose()
    }

    /// Adds a token. `NotFound` when there is no such session.
    pub async fn insert(self, token: &RefreshToken) -> Result<()> {
        let row = refresh_tokens::Model {
            hash: token.hash.clone(),
            organization_id: self.scope.organization_uuid(),
            session_id: token.session.uuid(),
            user_id: token.user.uuid(),
            scope: token.scope.clone(),
            issued_at: micros(token.issued_at),
            expires_at: micros(token.expires_at),
            used_at: token.used_at.map(micros),
        };
        refresh_tokens::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, "session", &[]))?;
        self.scope.touch();
        Ok(())
    }

    /// Uses a token up: the token once only, `None` when there is none such, it was used before,
    /// or it has expired.
    pub async fn claim(self, hash: &[u8], now: OffsetDateTime) -> Result<Option<RefreshToken>> {
        let row = refresh_tokens::ActiveModel {
            used_at: ActiveValue::Set(Some(micros(now))),
            ..Default::default()
        };
        let done = refresh_tokens::Entity::update_many()
            .set(row)
            .filter(refresh_tokens::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(refresh_tokens::Column::Hash.eq(hash))
            .filter(refresh_tokens::Column::UsedAt.is_null())
            .filter(refresh_tokens::Column::ExpiresAt.gt(micros(now)))
            .exec_with_returning(self.scope.database())
            .await?;
        let Some(row) = done.into_iter().next() else {
            return Ok(None);
        };
        self.scope.touch();
        Ok(Some(RefreshToken::read(row)?.1))
    }

    /// Removes expired tokens.
    pub(crate) async fn prune(self, now: OffsetDateTime) -> Result<u64> {
        let done = refresh_tokens::Entity::delete_many()
            .filter(refresh_tokens::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(refresh_tokens::Column::ExpiresAt.lte(micros(now)))
            .exec(self.scope.database())
            .await?;
        Ok(done.rows_affected)
    }
}
