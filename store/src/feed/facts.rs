//! Everything that is so in an organization, in parts: a table at a time, only the columns that
//! facts need.

use gatepost_core::{
    ApplicationId, CredentialId, Fact, GroupId, Member, RoleId, SessionId, UserId,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryResult, QuerySelect,
    QueryTrait, Select,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns;
use crate::dialect::{Memberships, Parts};
use crate::entity::{
    applications, credentials, grants, group_members, groups, installation, manifests,
    organizations, roles, sessions, signing_keys, users,
};
use crate::error::Result;
use crate::keys::SigningKey;
use crate::organizations::Organization;
use crate::times::micros;

/// Facts of an organization that are still to be read, within the read transaction they began in.
pub struct FactParts {
    transaction: DatabaseTransaction,
    organization: Uuid,
    rest: Rest,
}

/// What comes next.
enum Rest {
    /// All but the users and their memberships, without ended sessions that mean nothing any more
    /// at this moment.
    Few(OffsetDateTime),
    Users(Parts),
    Memberships(Memberships),
    Nothing,
}

impl FactParts {
    pub(super) fn new(
        transaction: DatabaseTransaction,
        organization: Uuid,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            transaction,
            organization,
            rest: Rest::Few(now),
        }
    }

    /// The next facts; `None` when there are no more.
    ///
    /// # Errors
    /// Those of the store. Nothing can be read after one.
    pub async fn next(&mut self) -> Result<Option<Vec<Fact>>> {
        loop {
            let transaction = &self.transaction;
            match &mut self.rest {
                Rest::Few(now) => {
                    let few = Few {
                        transaction,
                        organization: self.organization,
                        facts: Vec::new(),
                    };
                    let facts = few.load(*now).await?;
                    let users = users_of(self.organization).into_query();
                    self.rest = Rest::Users(Parts::of(transaction, &users).await?);
                    return Ok(Some(facts));
                }
                Rest::Users(parts) => {
                    if let Some(rows) = parts.next(transaction).await? {
                        return rows.iter().map(user).collect::<Result<_>>().map(Some);
                    }
                    let memberships = Memberships::of(transaction, self.organization).await?;
                    self.rest = Rest::Memberships(memberships);
                }
                Rest::Memberships(parts) => {
                    if let Some(groups) = parts.next(transaction).await? {
                        return Ok(Some(groups.into_iter().flat_map(members).collect()));
                    }
                    self.rest = Rest::Nothing;
                }
                Rest::Nothing => return Ok(None),
            }
        }
    }
}

fn users_of(organization: Uuid) -> Select<users::Entity> {
    users::Entity::find()
        .select_only()
        .column(users::Column::Id)
        .column(users::Column::Username)
        .column(users::Column::FirstName)
        .column(users::Column::LastName)
        .column(users::Column::Status)
        .filter(users::Column::OrganizationId.eq(organization))
}

fn user(row: &QueryResult) -> Result<Fact> {
    crate::users::fact_of((
        row.try_get_by_index(0)?,
        row.try_get_by_index(1)?,
        row.try_get_by_index(2)?,
        row.try_get_by_index(3)?,
        row.try_get_by_index(4)?,
    ))
}

fn members((group, users): (Uuid, Vec<Uuid>)) -> impl Iterator<Item = Fact> {
    let group = GroupId::new(group);
    users.into_iter().map(move |user| Fact::Member {
        group,
        member: Member::User(UserId::new(user)),
    })
}

/// Reads what an organization does not have millions of.
struct Few<'t> {
    transaction: &'t DatabaseTransaction,
    organization: Uuid,
    facts: Vec<Fact>,
}

impl Few<'_> {
    async fn load(mut self, now: OffsetDateTime) -> Result<Vec<Fact>> {
        self.load_organizations().await?;
        self.load_groups().await?;
        self.load_roles_and_grants().await?;
        self.load_machines().await?;
        self.load_ended_sessions(now).await?;
        self.load_installation().await?;
        Ok(self.facts)
    }

    /// Whether this is the system organization.
    async fn is_system(&self) -> Result<bool> {
        let system = installation::Entity::find()
            .filter(installation::Column::SystemOrganizationId.eq(self.organization));
        Ok(system.one(self.transaction).await?.is_some())
    }

    async fn load_organizations(&mut self) -> Result<()> {
        let mut select = organizations::Entity::find();
        if !self.is_system().await? {
            select = select.filter(organizations::Column::Id.eq(self.organization));
        }
        for row in select.all(self.transaction).await? {
            self.facts.push(Organization::read(row)?.fact());
        }
        Ok(())
    }

    async fn load_groups(&mut self) -> Result<()> {
        let groups: Vec<(Uuid, String, bool)> = groups::Entity::find()
            .select_only()
            .column(groups::Column::Id)
            .column(groups::Column::Name)
            .column(groups::Column::BuiltIn)
            .filter(groups::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(self.transaction)
            .await?;
        let groups = groups.into_iter();
        self.facts
            .extend(groups.map(|(id, name, built_in)| Fact::Group {
                id: GroupId::new(id),
                name,
                built_in,
            }));
        let children: Vec<(Uuid, Uuid)> = group_members::Entity::find()
            .select_only()
            .column(group_members::Column::GroupId)
            .column(group_members::Column::ChildId)
            .filter(group_members::Column::OrganizationId.eq(self.organization))
            .into_tuple()
            .all(self.transaction)
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
            .all(self.transaction)
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
            .all(self.transaction)
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
            .all(self.transaction)
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
            .all(self.transaction)
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
            .all(self.transaction)
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
            .all(self.transaction)
            .await?;
        for row in products {
            self.facts.push(crate::manifests::fact_of(row)?);
        }
        let keys = signing_keys::Entity::find()
            .filter(signing_keys::Column::OrganizationId.eq(self.organization))
            .all(self.transaction)
            .await?;
        for row in keys {
            self.facts.push(SigningKey::read(row)?.fact());
        }
        Ok(())
    }
}
