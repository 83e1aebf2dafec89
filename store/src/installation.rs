//! What the first start decided, once for all replicas.

use gatepost_core::{Change, OrganizationId};
use sea_orm::{DatabaseTransaction, EntityTrait, IntoActiveModel};
use time::OffsetDateTime;

use crate::dialect;
use crate::entity::installation;
use crate::error::{Result, StoreError};
use crate::organizations::{self, Organization};
use crate::scope::Scope;
use crate::store::Store;
use crate::times::{instant, micros};

/// The one row of the table.
const ROW: i32 = 1;

/// What the first start decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The issuer of all tokens.
    pub public_url: String,
    /// A value that only the right master key makes.
    pub master_key_check: Vec<u8>,
    /// The organization that holds what belongs to the installation.
    pub system_organization: OrganizationId,
    /// The organization that the first start makes for people.
    pub default_organization: OrganizationId,
    /// When the first start was.
    pub created_at: OffsetDateTime,
}

impl Store {
    /// What the first start decided; `None` before it.
    pub async fn installation(&self) -> Result<Option<Installation>> {
        let transaction = self.begin_read().await?;
        let found = read(&transaction).await?;
        transaction.rollback().await?;
        Ok(found)
    }

    /// Begins the first start: alone, however many replicas start at once.
    ///
    /// The answer is a write scope in the new system organization. The installation is founded
    /// when it (or the scope that goes on from it) commits, with everything that was done in it.
    /// `None`: it is founded already, maybe by the replica that this call waited for.
    pub async fn found(
        &self,
        installation: &Installation,
        system: &Organization,
    ) -> Result<Option<Scope>> {
        let transaction = self.begin_write().await?;
        dialect::lock_installation(&transaction).await?;
        if read(&transaction).await?.is_some() {
            transaction.rollback().await?;
            return Ok(None);
        }
        if installation.system_organization != system.id {
            return Err(StoreError::Outside {
                noun: "organization",
            });
        }
        let row = installation::Model {
            id: ROW,
            public_url: installation.public_url.clone(),
            master_key_check: installation.master_key_check.clone(),
            system_organization_id: installation.system_organization.uuid(),
            default_organization_id: installation.default_organization.uuid(),
            created_at: micros(installation.created_at),
        };
        installation::Entity::insert(row.into_active_model())
            .exec_without_returning(&transaction)
            .await?;
        // Nothing to find yet: this makes the transaction the system organization's.
        dialect::enter(&transaction, system.id, false).await?;
        organizations::insert_rows(&transaction, system).await?;
        let scope = Scope::enter(transaction, system.id, true).await?;
        scope.record(Change::created(system.fact()));
        Ok(Some(scope))
    }

    /// Removes what can mean nothing any more from an organization: sessions
    /// and answers of a day ago. No revision: nothing that anybody could ask changes.
    pub async fn prune(&self, organization: OrganizationId, now: OffsetDateTime) -> Result<u64> {
        let scope = self.write(organization).await?;
        let removed = scope.sessions().prune(now).await?
            + scope.idempotency().prune(now).await?
            + scope.mfa().prune(now).await?;
        scope.finish().await?;
        Ok(removed)
    }

    /// Forgets the marks of what was used and could not be used again anyway.
    pub async fn prune_marks(&self, now: OffsetDateTime) -> Result<u64> {
        self.marks().prune(now).await
    }

    /// Forgets failed sign-ins whose last one was before then.
    pub async fn prune_failures(&self, before: OffsetDateTime) -> Result<u64> {
        self.failures().prune(before).await
    }
}

async fn read(transaction: &DatabaseTransaction) -> Result<Option<Installation>> {
    let row = installation::Entity::find_by_id(ROW)
        .one(transaction)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Installation {
        created_at: instant(row.created_at, "installation", "1")?,
        public_url: row.public_url,
        master_key_check: row.master_key_check,
        system_organization: OrganizationId::new(row.system_organization_id),
        default_organization: OrganizationId::new(row.default_organization_id),
    }))
}
