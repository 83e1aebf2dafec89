//! The feed door: what snapshots are made of, across organizations.
//!
//! Commit order is revision order within an organization, because writers take the head row's
//! lock before anything else. So whoever read up to revision *n* misses nothing when it asks for
//! what follows *n*; nothing with a lower number can appear later.

mod facts;

pub use facts::FactParts;

use gatepost_core::feed::{Facts, Head, Heads, Steps};
use gatepost_core::{Change, OrganizationId, Revision};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns;
use crate::dialect::{self, Door};
use crate::entity::{changes, organization_heads};
use crate::error::{Result, StoreError};
use crate::store::Store;

/// Heads that are asked for in one statement.
const HEADS_PER_STATEMENT_MAX: usize = 5_000;

/// The feed. Each call is a read transaction of its own, as of one moment.
#[derive(Debug, Clone, Copy)]
pub struct Feed<'a> {
    store: &'a Store,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// A transaction, and the database's time in unix microseconds.
    async fn begin(self) -> Result<(DatabaseTransaction, i64)> {
        let transaction = self.store.begin_read().await?;
        let time_us = dialect::open_door(&transaction, Door::Feed).await?;
        Ok((transaction, time_us))
    }

    /// Where these organizations stand, and what time it is in the database.
    pub async fn heads(self, organizations: &[OrganizationId]) -> Result<Heads> {
        let (transaction, time_us) = self.begin().await?;
        let mut heads = Vec::with_capacity(organizations.len());
        for part in organizations.chunks(HEADS_PER_STATEMENT_MAX) {
            let rows: Vec<(Uuid, i64, i64)> = organization_heads::Entity::find()
                .select_only()
                .column(organization_heads::Column::OrganizationId)
                .column(organization_heads::Column::Revision)
                .column(organization_heads::Column::Epoch)
                .filter(
                    organization_heads::Column::OrganizationId
                        .is_in(part.iter().map(|id| id.uuid())),
                )
                .into_tuple()
                .all(&transaction)
                .await?;
            heads.extend(
                rows.into_iter()
                    .map(|(organization, revision, epoch)| Head {
                        organization: OrganizationId::new(organization),
                        revision: unsigned(revision),
                        epoch: unsigned(epoch),
                    }),
            );
        }
        transaction.rollback().await?;
        Ok(Heads {
            heads,
            time_us,
            age_us: 0,
        })
    }

    /// Everything that is so in an organization, without ended sessions that mean nothing any more
    /// at `now`. `NotFound` when there is no such organization.
    pub async fn facts(
        self,
        organization: OrganizationId,
        now: OffsetDateTime,
    ) -> Result<Facts<FactParts>> {
        let (transaction, _) = self.begin().await?;
        let head = organization_heads::Entity::find_by_id(organization.uuid())
            .one(&transaction)
            .await?
            .ok_or(StoreError::NotFound {
                noun: "organization",
            })?;
        Ok(Facts {
            revision: unsigned(head.revision),
            epoch: unsigned(head.epoch),
            age_us: 0,
            parts: FactParts::new(transaction, organization.uuid(), now),
        })
    }

    /// What each revision after `after`, up to and with `up_to`, changed. `None` when one of them
    /// is not there: load the facts then.
    pub async fn changes(
        self,
        organization: OrganizationId,
        after: Revision,
        up_to: Revision,
    ) -> Result<Option<Steps>> {
        let (transaction, _) = self.begin().await?;
        let rows = changes::Entity::find()
            .filter(changes::Column::OrganizationId.eq(organization.uuid()))
            .filter(changes::Column::Revision.gt(signed(after)))
            .filter(changes::Column::Revision.lte(signed(up_to)))
            .order_by_asc(changes::Column::Revision)
            .order_by_asc(changes::Column::Ordinal)
            .all(&transaction)
            .await?;
        transaction.rollback().await?;
        let mut steps = Steps::new();
        for row in rows {
            let revision = unsigned(row.revision);
            let known = steps.last().map_or(after, |(revision, _)| *revision);
            if revision > known {
                if revision != known + 1 {
                    return Ok(None);
                }
                steps.push((revision, Vec::new()));
            }
            if let (Some((_, changes)), Some(change)) = (steps.last_mut(), read_change(&row)?) {
                changes.push(change);
            }
        }
        let reached = steps.last().map_or(after, |(revision, _)| *revision);
        Ok((reached >= up_to).then_some(steps))
    }
}

/// The change of a row; `None` of a revision without facts.
fn read_change(row: &changes::Model) -> Result<Option<Change>> {
    let id = || format!("{}/{}/{}", row.organization_id, row.revision, row.ordinal);
    let side = |text: &Option<String>, column| {
        let fact = text
            .as_deref()
            .map(|text| columns::from_json(text, "changes", column, &id()));
        fact.transpose()
    };
    let change = Change {
        before: side(&row.before, "before")?,
        after: side(&row.after, "after")?,
    };
    Ok(change.key().is_some().then_some(change))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
