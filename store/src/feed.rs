//! The feed door: what snapshots are made of, across organizations.
//!
//! Commit order is revision order within an organization, because writers take the head row's
//! lock before anything else. So whoever read up to revision *n* misses nothing when it asks for
//! what follows *n*; nothing with a lower number can appear later.

use gatepost_core::feed::{Facts, Head, Heads, Steps};
use gatepost_core::{
    ApplicationId, Change, CredentialId, Fact, GroupId, Member, OrganizationId, Revision, RoleId,
    SessionId, UserId,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns;
use crate::dialect::{self, Door};
use crate::entity::{
    applications, changes, credentials, grants, group_members, groups, installation, manifests,
    organization_heads, organizations, roles, sessions, signing_keys, user_members, users,
};
use crate::error::{Result, StoreError};
use crate::keys::SigningKey;
use crate::organizations::Organization;
use crate::store::Store;
use crate::times::micros;

/// From more revisions than this, a snapshot is better loaded anew.
const CHANGED_REVISIONS_MAX: u64 = 10_000;

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
    pub async fn facts(self, organization: OrganizationId, now: OffsetDateTime) -> Result<Facts> {
        let (transaction, _) = self.begin().await?;
        let head = organization_heads::Entity::find_by_id(organization.uuid())
            .one(&transaction)
            .await?
            .ok_or(StoreError::NotFound {
                noun: "organization",
            })?;
        let loader = Loader {
            transaction,
            organization: organization.uuid(),
            facts: Vec::new(),
        };
        let facts = loader.load(now).await?;
        Ok(Facts {
            revision: unsigned(head.revision),
            epoch: unsigned(head.epoch),
            facts,
            age_us: 0,
        })
    }

    /// What each revision after `after`, up to and with `up_to`, changed. `None` when one of them
    /// is not there, or there are too many: load the facts then.
    pub async fn changes(
        self,
        organization: OrganizationId,
        after: Revision,
        up_to: Revision,
    ) -> Result<Option<Steps>> {
        if up_to.saturating_sub(after) > CHANGED_REVISIONS_MAX {
            return Ok(None);
        }
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

/// Loads the facts of one organization, a table at a time, only the columns that facts need.
struct Loader {
    transaction: DatabaseTransaction,
    organization: Uuid,
    facts: Vec<Fact>,
}

impl Loader {
    async fn load(mut self, now: OffsetDateTime) -> Result<Vec<Fact>> {
        self.load_organizations().await?;
        self.load_people().await?;
        self.load_members().await?;
        self.load_roles_and_grants().await?;
        self.load_machines().await?;
        self.load_ended_sessions(now).await?;
        self.load_installation().await?;
        self.transaction.rollback().await?;
        Ok(self.facts)
    }

    /// Whether this is the system organization.
    async fn is_system(&self) -> Result<bool> {
        let system = installation::Entity::find()
            .filter(installation::Column::SystemOrganizationId.eq(self.organization));
        Ok(system.one(&self.transaction).await?.is_some())
    }

    async fn load_organizations(&mut self) -> Result<()> {
        let mut select = organizations::Entity::find();
        if !self.is_system().await? {
            select = select.filter(organizations::Column::Id.eq(self.organization));
        }
        for row in select.all(&self.transaction).await? {
            self.facts.push(Organization::read(row)?.fact());
        }
        Ok(())
    }

    async fn load_people(&mut self) -> Result<()> {
        let users: Vec<(Uuid, String, String, String, String)> = users::Entity::find()
            .select_only()
            .column(users::Column::Id)
            .column(users::Column::Username)
            .column(users::Column::FirstName)
            .column(users::Column::LastName)
            .column(users::Column::Status)
            .filter(users::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        for row in users {
            self.facts.push(crate::users::fact_of(row)?);
        }
        let groups: Vec<(Uuid, String, bool)> = groups::Entity::find()
            .select_only()
            .column(groups::Column::Id)
            .column(groups::Column::Name)
            .column(groups::Column::BuiltIn)
            .filter(groups::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        let groups = groups.into_iter();
        self.facts
            .extend(groups.map(|(id, name, built_in)| Fact::Group {
                id: GroupId::new(id),
                name,
                built_in,
            }));
        Ok(())
    }

    async fn load_members(&mut self) -> Result<()> {
        let users = user_members::Entity::find()
            .select_only()
            .column(user_members::Column::GroupId)
            .column(user_members::Column::UserId)
            .filter(user_members::Column::OrganizationId.eq(self.organization))
            .into_query();
        // An organization may have ten million of these.
        let facts = &mut self.facts;
        dialect::read_in_parts(&self.transaction, &users, |row| {
            facts.push(Fact::Member {
                group: GroupId::new(row.try_get_by_index(0)?),
                member: Member::User(UserId::new(row.try_get_by_index(1)?)),
            });
            Ok(())
        })
        .await?;
        let children: Vec<(Uuid, Uuid)> = group_members::Entity::find()
            .select_only()
            .column(group_members::Column::GroupId)
            .column(group_members::Column::ChildId)
            .filter(group_members::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        self.facts
            .extend(children.into_iter().map(|(group, child)| Fact::Member {
                group: GroupId::new(group),
                member: Member::Group(GroupId::new(child)),
            }));
        Ok(())
    }

    async fn load_roles_and_grants(&mut self) -> Result<()> {
        let rows: Vec<(Uuid, String, String, String, bool)> = self
            .roles()
            .select_only()
            .column(roles::Column::Id)
            .column(roles::Column::Product)
            .column(roles::Column::Name)
            .column(roles::Column::Permissions)
            .column(roles::Column::BuiltIn)
            .into_tuple()
            .all(&self.transaction)
            .await?;
        for (id, product, name, permissions, built_in) in rows {
            let permissions = columns::permissions(&permissions, id)?;
            self.facts.push(Fact::Role {
                id: RoleId::new(id),
                product,
                name,
                permissions,
                built_in,
            });
        }
        let rows: Vec<crate::grants::Columns> = grants::Entity::find()
            .select_only()
            .column(grants::Column::SubjectKind)
            .column(grants::Column::SubjectId)
            .column(grants::Column::RoleId)
            .column(grants::Column::ExpiresAt)
            .column(grants::Column::Limits)
            .filter(grants::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        for row in rows {
            self.facts.push(crate::grants::fact_of(row)?);
        }
        Ok(())
    }

    /// Only own rows: those of manifests are the system organization's facts.
    fn roles(&self) -> Select<roles::Entity> {
        roles::Entity::find().filter(roles::Column::OrganizationId.eq(self.organization))
    }

    async fn load_machines(&mut self) -> Result<()> {
        let rows: Vec<(Uuid, String, String, String)> = applications::Entity::find()
            .select_only()
            .column(applications::Column::Id)
            .column(applications::Column::Name)
            .column(applications::Column::ClientId)
            .column(applications::Column::Status)
            .filter(applications::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        for (id, name, client_id, status) in rows {
            let status = columns::status(&status, "applications", id)?;
            let id = ApplicationId::new(id);
            self.facts.push(Fact::Application {
                id,
                name,
                client_id,
                status,
            });
        }
        let rows: Vec<(Uuid, Uuid)> = credentials::Entity::find()
            .select_only()
            .column(credentials::Column::Id)
            .column(credentials::Column::ApplicationId)
            .filter(credentials::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        self.facts
            .extend(rows.into_iter().map(|(id, application)| Fact::Credential {
                id: CredentialId::new(id),
                application: ApplicationId::new(application),
            }));
        Ok(())
    }

    async fn load_ended_sessions(&mut self, now: OffsetDateTime) -> Result<()> {
        let rows: Vec<(Uuid, i64)> = sessions::Entity::find()
            .select_only()
            .column(sessions::Column::Id)
            .column(sessions::Column::EndedUntil)
            .filter(sessions::Column::OrganizationId.eq(self.organization))
            .filter(sessions::Column::EndedUntil.gt(micros(now)))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        self.facts
            .extend(rows.into_iter().map(|(id, until)| Fact::EndedSession {
                id: SessionId::new(id),
                until: crate::sessions::ended_until_s(until),
            }));
        Ok(())
    }

    /// Products and keys; there are none outside the system organization.
    async fn load_installation(&mut self) -> Result<()> {
        let products: Vec<(String, String)> = manifests::Entity::find()
            .select_only()
            .column(manifests::Column::Slug)
            .column(manifests::Column::Product)
            .filter(manifests::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(&self.transaction)
            .await?;
        for row in products {
            self.facts.push(crate::manifests::fact_of(row)?);
        }
        let keys = signing_keys::Entity::find()
            .filter(signing_keys::Column::OrganizationId.eq(self.organization))
            .all(&self.transaction)
            .await?;
        for row in keys {
            self.facts.push(SigningKey::read(row)?.fact());
        }
        Ok(())
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
