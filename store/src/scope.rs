//! The way in: one transaction of one organization.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gatepost_core::{Change, OrganizationId, Revision};
use sea_orm::{DatabaseTransaction, QueryResult};
use uuid::Uuid;

use crate::AuditDraft;
use crate::applications::{Application, Applications};
use crate::audit::Audit;
use crate::commit;
use crate::dialect;
use crate::error::{Result, StoreError};
use crate::grants::Grants;
use crate::groups::Groups;
use crate::idempotency::Idempotency;
use crate::keys::Keys;
use crate::manifests::Manifests;
use crate::message_providers::MessageProviders;
use crate::mfa::Mfa;
use crate::organizations::Organizations;
use crate::roles::Roles;
use crate::sessions::{Session, Sessions};
use crate::users::Users;

/// One transaction in one organization. Dropped without [`Scope::commit`], it leaves nothing.
#[derive(Debug)]
pub struct Scope {
    transaction: DatabaseTransaction,
    organization: OrganizationId,
    head: HeadRow,
    system: Option<OrganizationId>,
    /// Revisions of organizations that were left; they wait in this transaction for the commit.
    sealed: Vec<(OrganizationId, Revision)>,
    /// Revisions of organizations that were changed from another: the directory's other side.
    beside: Vec<(OrganizationId, Revision)>,
    pending: Mutex<Pending>,
}

/// What the commit will write.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Changed facts of this organization, in order.
    pub changes: Vec<Change>,
    /// Changed facts of other organizations: the directory's other side.
    pub elsewhere: Vec<(OrganizationId, Change)>,
    /// Whether something was written that is no fact.
    pub touched: bool,
    /// Sessions that nobody can use any more though they have not ended, with their applications.
    pub orphaned: Vec<(Session, Application)>,
}

/// An organization's head row: where its revisions and its audit chain end.
#[derive(Debug, Clone)]
pub(crate) struct HeadRow {
    pub revision: i64,
    pub epoch: i64,
    pub audit_hash: Vec<u8>,
    pub audit_sequence: i64,
}

impl HeadRow {
    pub(crate) fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            revision: row.try_get("", "revision")?,
            epoch: row.try_get("", "epoch")?,
            audit_hash: row.try_get("", "audit_hash")?,
            audit_sequence: row.try_get("", "audit_sequence")?,
        })
    }
}

impl Scope {
    pub(crate) async fn enter(
        transaction: DatabaseTransaction,
        organization: OrganizationId,
        lock: bool,
    ) -> Result<Self> {
        let row = dialect::enter(&transaction, organization, lock)
            .await?
            .ok_or(StoreError::NotFound {
                noun: "organization",
            })?;
        let system: Option<Uuid> = row.try_get("", "system")?;
        Ok(Self {
            transaction,
            organization,
            head: HeadRow::read(&row)?,
            system: system.map(OrganizationId::new),
            sealed: Vec::new(),
            beside: Vec::new(),
            pending: Mutex::default(),
        })
    }

    /// Whose rows these are.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The organization's revision when this transaction began.
    pub fn revision(&self) -> Revision {
        u64::try_from(self.head.revision).unwrap_or(0)
    }

    /// Changes when revisions were counted anew, as after a restored backup.
    pub fn epoch(&self) -> u64 {
        u64::try_from(self.head.epoch).unwrap_or(0)
    }

    /// Whether this is the system organization.
    pub fn is_system(&self) -> bool {
        self.system == Some(self.organization)
    }

    /// Whether the commit will raise the revision.
    pub fn changed(&self) -> bool {
        let pending = self.pending();
        pending.touched || !pending.changes.is_empty() || !pending.elsewhere.is_empty()
    }

    /// The facts of this organization that changed so far, in order.
    pub fn changes(&self) -> Vec<Change> {
        self.pending().changes.clone()
    }

    /// Sessions whose user goes in this transaction, with their applications: they
    /// end with no fact of their own.
    pub fn orphaned(&self) -> Vec<(Session, Application)> {
        self.pending().orphaned.clone()
    }

    /// Says that something was written that is no fact, so that the commit counts.
    pub fn touch(&self) {
        self.pending().touched = true;
    }

    /// Writes audit record, feed rows and the next revision, and commits; answers that revision.
    /// When nothing changed, it rolls back and answers the present one: no trace is left.
    pub async fn commit(self, draft: AuditDraft) -> Result<Revision> {
        let (own, present) = (self.organization, self.revision());
        let committed = self.commit_all(draft).await?;
        let made = committed.iter().rev().find(|(at, _)| *at == own);
        Ok(made.map_or(present, |(_, revision)| *revision))
    }

    /// As [`Scope::commit`]; answers every revision that was made, of whichever organization, the
    /// scope's own the last: none when nothing changed.
    pub async fn commit_all(
        mut self,
        draft: AuditDraft,
    ) -> Result<Vec<(OrganizationId, Revision)>> {
        if self.changed() {
            let (revision, beside) = commit::seal(&self, &draft).await?;
            self.beside.extend(beside);
            self.sealed.push((self.organization, revision));
        }
        if self.sealed.is_empty() {
            self.transaction.rollback().await?;
        } else {
            self.transaction.commit().await?;
        }
        Ok([self.beside, self.sealed].concat())
    }

    /// Seals what was done here and goes on in another organization, in the same transaction:
    /// both are committed with the last of them, or neither.
    ///
    /// Only the system organization may be left this way (`Outside`): everybody locks it first, so
    /// that two such transactions cannot wait for each other.
    pub async fn continue_in(
        &mut self,
        organization: OrganizationId,
        draft: AuditDraft,
    ) -> Result<()> {
        if !self.is_system() || organization == self.organization {
            return Err(StoreError::Outside {
                noun: "organization",
            });
        }
        if self.changed() {
            let (revision, beside) = commit::seal(self, &draft).await?;
            self.sealed.push((self.organization, revision));
            self.beside.extend(beside);
        }
        let row = dialect::enter(&self.transaction, organization, true)
            .await?
            .ok_or(StoreError::NotFound {
                noun: "organization",
            })?;
        self.head = HeadRow::read(&row)?;
        self.organization = organization;
        Ok(())
    }

    /// The organizations that were left, each with the revision that it will have.
    pub fn left(&self) -> &[(OrganizationId, Revision)] {
        &self.sealed
    }

    /// Forgets everything. Dropping does the same, a little later.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }

    /// People's accounts.
    pub fn users(&self) -> Users<'_> {
        Users::new(self)
    }

    /// Groups and who is in them.
    pub fn groups(&self) -> Groups<'_> {
        Groups::new(self)
    }

    /// Roles of this organization and of manifests.
    pub fn roles(&self) -> Roles<'_> {
        Roles::new(self)
    }

    /// Who holds which role.
    pub fn grants(&self) -> Grants<'_> {
        Grants::new(self)
    }

    /// Machine clients and their secrets.
    pub fn applications(&self) -> Applications<'_> {
        Applications::new(self)
    }

    /// Signed-in devices.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::new(self)
    }

    /// Second factors.
    pub fn mfa(&self) -> Mfa<'_> {
        Mfa::new(self)
    }

    /// The organization itself; in the system organization, all of them.
    pub fn organizations(&self) -> Organizations<'_> {
        Organizations::new(self)
    }

    /// What products declare.
    pub fn manifests(&self) -> Manifests<'_> {
        Manifests::new(self)
    }

    /// The keys that sign tokens; only in the system organization.
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self)
    }

    /// The audit log.
    pub fn audit(&self) -> Audit<'_> {
        Audit::new(self)
    }

    /// Who carries messages.
    pub fn message_providers(&self) -> MessageProviders<'_> {
        MessageProviders::new(self)
    }

    /// Answers to creates that may be asked again.
    pub fn idempotency(&self) -> Idempotency<'_> {
        Idempotency::new(self)
    }

    /// Commits rows that are no part of any revision: counts of tries, and what waits for a code.
    pub async fn finish(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }

    pub(crate) fn database(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    pub(crate) fn organization_uuid(&self) -> Uuid {
        self.organization.uuid()
    }

    pub(crate) fn head(&self) -> &HeadRow {
        &self.head
    }

    pub(crate) fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing panics while it is held, and a list of changes cannot be half-pushed.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a changed fact; a change that changes nothing is none.
    pub(crate) fn record(&self, change: Change) {
        if change.before != change.after {
            self.pending().changes.push(change);
        }
    }

    /// Remembers changed facts.
    pub(crate) fn record_all(&self, changes: impl IntoIterator<Item = Change>) {
        changes.into_iter().for_each(|change| self.record(change));
    }

    /// Refuses what only the system organization may write.
    pub(crate) fn require_system(&self, noun: &'static str) -> Result<()> {
        if self.is_system() {
            Ok(())
        } else {
            Err(StoreError::Outside { noun })
        }
    }
}
