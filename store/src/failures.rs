//! Failed sign-ins, by account and address: security state, so it is here and not in the cache.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use time::{Duration, OffsetDateTime};

use crate::dialect::{self, Door};
use crate::entity::sign_in_failures;
use crate::error::Result;
use crate::store::Store;
use crate::times::{instant, maybe_instant, micros};

const TABLE: &str = "sign_in_failures";

/// Failures in a row under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInFailure {
    /// How many.
    pub failures: u32,
    /// When the last one was.
    pub last_failed_at: OffsetDateTime,
    /// Until when nobody is to be let in under this key.
    pub blocked_until: Option<OffsetDateTime>,
}

/// Failed sign-ins. Each call is a transaction of its own, and atomic.
#[derive(Debug, Clone, Copy)]
pub struct Failures<'a> {
    store: &'a Store,
}

impl<'a> Failures<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// What is known under this key, if anything.
    pub async fn get(self, key: &[u8]) -> Result<Option<SignInFailure>> {
        let transaction = self.store.begin_read().await?;
        dialect::open_door(&transaction, Door::SignIn).await?;
        let row = sign_in_failures::Entity::find_by_id(key)
            .one(&transaction)
            .await?;
        transaction.rollback().await?;
        let Some(row) = row else { return Ok(None) };
        // The key is a hash of somebody's name: the error does not repeat it.
        Ok(Some(SignInFailure {
            failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
            last_failed_at: instant(row.last_failed_at, TABLE, "")?,
            blocked_until: maybe_instant(row.blocked_until, TABLE, "")?,
        }))
    }

    /// Counts a failure, and answers how many there were in a row, this one included. The row
    /// begins anew when the last one is longer ago than `forget_after`.
    pub async fn record(
        self,
        key: &[u8],
        now: OffsetDateTime,
        forget_after: Duration,
    ) -> Result<u32> {
        let row = sign_in_failures::Model {
            key: key.to_owned(),
            failures: 1,
            last_failed_at: micros(now),
            blocked_until: None,
        };
        let failures = (sign_in_failures::Entity, sign_in_failures::Column::Failures);
        let last = (
            sign_in_failures::Entity,
            sign_in_failures::Column::LastFailedAt,
        );
        let fresh = Expr::col(last).gte(micros(now - forget_after));
        let counted = Expr::case(fresh, Expr::col(failures).add(1)).finally(1);
        let count = OnConflict::column(sign_in_failures::Column::Key)
            .value(sign_in_failures::Column::Failures, counted)
            .value(sign_in_failures::Column::LastFailedAt, micros(now))
            .to_owned();
        let transaction = self.store.begin_sign_in_write().await?;
        let row = sign_in_failures::Entity::insert(row.into_active_model())
            .on_conflict(count)
            .exec_with_returning(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(u32::try_from(row.failures).unwrap_or(u32::MAX))
    }

    /// Lets nobody in under this key until then. Nothing, when no failure was counted.
    pub async fn block(self, key: &[u8], until: OffsetDateTime) -> Result<()> {
        let transaction = self.store.begin_sign_in_write().await?;
        sign_in_failures::Entity::update_many()
            .col_expr(
                sign_in_failures::Column::BlockedUntil,
                Expr::val(micros(until)),
            )
            .filter(sign_in_failures::Column::Key.eq(key))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets what is known under this key.
    pub async fn reset(self, key: &[u8]) -> Result<()> {
        let transaction = self.store.begin_sign_in_write().await?;
        sign_in_failures::Entity::delete_by_id(key)
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets all keys whose last failure was before then; answers how many.
    pub(crate) async fn prune(self, before: OffsetDateTime) -> Result<u64> {
        let transaction = self.store.begin_sign_in_write().await?;
        let done = sign_in_failures::Entity::delete_many()
            .filter(sign_in_failures::Column::LastFailedAt.lt(micros(before)))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected)
    }
}
