//! What works once: marked when it is used, for as long as it could be shown again. Security
//! state, so it is here and not in the cache.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, TryInsertResult};
use time::OffsetDateTime;

use crate::entity::used_marks;
use crate::error::Result;
use crate::store::Store;
use crate::times::micros;

/// Marks. Each call is a transaction of its own, and atomic.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    store: &'a Store,
}

impl<'a> Marks<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Marks a key until then; whether nobody had.
    pub async fn set(self, key: &[u8], until: OffsetDateTime) -> Result<bool> {
        let row = used_marks::Model {
            key: key.to_owned(),
            until: micros(until),
        };
        let transaction = self.store.begin_sign_in_write().await?;
        let done = used_marks::Entity::insert(row.into_active_model())
            .on_conflict_do_nothing_on([used_marks::Column::Key])
            .exec_without_returning(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(matches!(done, TryInsertResult::Inserted(1..)))
    }

    /// Forgets the marks that are over; answers how many.
    pub(crate) async fn prune(self, now: OffsetDateTime) -> Result<u64> {
        let transaction = self.store.begin_sign_in_write().await?;
        let done = used_marks::Entity::delete_many()
            .filter(used_marks::Column::Until.lte(micros(now)))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected)
    }
}
