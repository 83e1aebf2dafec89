//! The organizations: the system organization's directory.

use gatepost_core::{Change, Fact, OrganizationId, Status};
use sea_orm::{
    ActiveValue, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns;
use crate::entity::{organization_heads, organizations};
use crate::error::{Result, StoreError};
use crate::list::{self, Cursor, Page, Sorting, Walk};
use crate::scope::Scope;
use crate::times::{instant, micros};

const NOUN: &str = "organization";
const UNIQUE: [(&str, &str); 1] = [("slug", "slug")];

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Which organization.
    pub id: OrganizationId,
    /// Its name in addresses and tokens: unique in the installation, never changed.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Whether it may be used.
    pub status: Status,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// The colour of its pages as `#rrggbb`; empty for ours.
    pub accent_color: String,
    /// Whether its people may sign in with a password.
    pub password_sign_in: bool,
}

impl Organization {
    pub(crate) fn fact(&self) -> Fact {
        Fact::Organization {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            status: self.status,
        }
    }

    pub(crate) fn read(row: organizations::Model) -> Result<Self> {
        Ok(Self {
            id: OrganizationId::new(row.id),
            status: columns::status(&row.status, "organizations", row.id)?,
            created_at: instant(row.created_at, "organizations", &row.id.to_string())?,
            slug: row.slug,
            name: row.name,
            accent_color: row.accent_color.unwrap_or_default(),
            password_sign_in: row.password_sign_in,
        })
    }
}

/// The organization of the scope; in the system organization, every one.
#[derive(Debug, Clone, Copy)]
pub struct Organizations<'a> {
    scope: &'a Scope,
}

impl<'a> Organizations<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn seen(self) -> Select<organizations::Entity> {
        let select = organizations::Entity::find();
        if self.scope.is_system() {
            return select;
        }
        select.filter(organizations::Column::Id.eq(self.scope.organization_uuid()))
    }

    async fn one(self, select: Select<organizations::Entity>) -> Result<Option<Organization>> {
        select
            .one(self.scope.database())
            .await?
            .map(Organization::read)
            .transpose()
    }

    /// The organization of the scope itself.
    pub async fn own(self) -> Result<Organization> {
        self.get(self.scope.organization())
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })
    }

    /// The organization of this id, if it is seen from here.
    pub async fn get(self, id: OrganizationId) -> Result<Option<Organization>> {
        self.one(self.seen().filter(organizations::Column::Id.eq(id.uuid())))
            .await
    }

    /// The organization of this slug, if it is seen from here.
    pub async fn by_slug(self, slug: &str) -> Result<Option<Organization>> {
        self.one(self.seen().filter(organizations::Column::Slug.eq(slug)))
            .await
    }

    /// The organizations that are seen from here, oldest first.
    pub async fn list(self, walk: Walk) -> Result<Page<Organization>> {
        let sorting = Sorting {
            at: organizations::Column::CreatedAt,
            id: organizations::Column::Id,
            descending: false,
        };
        list::walk(self.scope, self.seen(), sorting, walk, |row| Cursor {
            at: row.created_at,
            id: row.id,
        })
        .await?
        .try_map(Organization::read)
    }

    /// The ids of all organizations that are seen from here, oldest first.
    pub async fn ids(self) -> Result<Vec<OrganizationId>> {
        let ids: Vec<Uuid> = self
            .seen()
            .select_only()
            .column(organizations::Column::Id)
            .order_by_asc(organizations::Column::CreatedAt)
            .order_by_asc(organizations::Column::Id)
            .into_tuple()
            .all(self.scope.database())
            .await?;
        Ok(ids.into_iter().map(OrganizationId::new).collect())
    }

    /// Adds an organization with nothing in it but itself, at revision 1. `Conflict` when the slug
    /// is taken, `Outside` when this is not the system organization.
    pub async fn insert(self, organization: &Organization) -> Result<()> {
        self.scope.require_system(NOUN)?;
        insert_rows(self.scope.database(), organization).await?;
        self.record(organization.id, Change::created(organization.fact()));
        Ok(())
    }

    /// Replaces everything but id, slug and time of making; nothing when nothing differs.
    /// `NotFound` when there is no such organization, `Outside` when this is not the system
    /// organization.
    pub async fn update(self, organization: &Organization) -> Result<()> {
        self.scope.require_system(NOUN)?;
        let before = self
            .get(organization.id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        let after = Organization {
            name: organization.name.clone(),
            status: organization.status,
            accent_color: organization.accent_color.clone(),
            password_sign_in: organization.password_sign_in,
            ..before.clone()
        };
        if before == after {
            return Ok(());
        }
        let row = organizations::ActiveModel {
            name: ActiveValue::Set(after.name.clone()),
            status: ActiveValue::Set(columns::status_text(after.status)),
            accent_color: ActiveValue::Set(Some(after.accent_color.clone())),
            password_sign_in: ActiveValue::Set(after.password_sign_in),
            ..Default::default()
        };
        organizations::Entity::update_many()
            .set(row)
            .filter(organizations::Column::Id.eq(after.id.uuid()))
            .exec(self.scope.database())
            .await?;
        self.record(after.id, Change::updated(before.fact(), after.fact()));
        self.scope.touch();
        Ok(())
    }

    /// The directory knows the fact, and the organization itself does.
    fn record(self, organization: OrganizationId, change: Change) {
        if organization != self.scope.organization() {
            self.scope
                .pending()
                .elsewhere
                .push((organization, change.clone()));
        }
        self.scope.record(change);
    }
}

/// Writes an organization's row and its head at revision 0.
pub(crate) async fn insert_rows(
    transaction: &DatabaseTransaction,
    organization: &Organization,
) -> Result<()> {
    let row = organizations::Model {
        id: organization.id.uuid(),
        slug: organization.slug.clone(),
        name: organization.name.clone(),
        status: columns::status_text(organization.status),
        created_at: micros(organization.created_at),
        accent_color: Some(organization.accent_color.clone()),
        password_sign_in: organization.password_sign_in,
    };
    organizations::Entity::insert(row.into_active_model())
        .exec_without_returning(transaction)
        .await
        .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
    let head = organization_heads::Model {
        organization_id: organization.id.uuid(),
        revision: 0,
        epoch: 1,
        audit_hash: vec![0; 32],
        audit_sequence: 0,
    };
    organization_heads::Entity::insert(head.into_active_model())
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}
