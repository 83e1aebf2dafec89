//! Named sets of permissions: an organization's own, and those of manifests, which all see.

use gatepost_core::{Change, Fact, RoleId, RolePermission};
use sea_orm::{
    ActiveValue, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    Select,
};
use time::OffsetDateTime;

use crate::columns;
use crate::entity::roles;
use crate::error::{Result, StoreError};
use crate::list::{self, Cursor, Page, Sorting, Walk};
use crate::scope::Scope;
use crate::times::{instant, micros};

const NOUN: &str = "role";
const UNIQUE: [(&str, &str); 1] = [("name_key", "name")];

/// A named set of permissions of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Which role.
    pub id: RoleId,
    /// Slug of the one product whose permissions it names.
    pub product: String,
    /// The name as it was written.
    pub name: String,
    /// The name as it is compared: unique in the organization.
    pub name_key: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What it allows and denies.
    pub permissions: Vec<RolePermission>,
    /// Whether it is a manifest's: the same in every organization, and not to be changed in any.
    pub built_in: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl Role {
    pub(crate) fn fact(&self) -> Fact {
        Fact::Role {
            id: self.id,
            product: self.product.clone(),
            name: self.name.clone(),
            permissions: self.permissions.clone(),
            built_in: self.built_in,
        }
    }

    pub(crate) fn read(row: roles::Model) -> Result<Self> {
        Ok(Self {
            id: RoleId::new(row.id),
            permissions: columns::permissions(&row.permissions, row.id)?,
            created_at: instant(row.created_at, "roles", &row.id.to_string())?,
            product: row.product,
            name: row.name,
            name_key: row.name_key,
            description: row.description,
            built_in: row.built_in,
        })
    }
}

/// Which roles; what is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct RoleFilter {
    /// Of this product.
    pub product: Option<String>,
    /// Those of manifests, or the organization's own.
    pub built_in: Option<bool>,
}

/// The roles that one organization sees.
#[derive(Debug, Clone, Copy)]
pub struct Roles<'a> {
    scope: &'a Scope,
}

impl<'a> Roles<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn seen(self) -> Select<roles::Entity> {
        roles::Entity::find().filter(
            Condition::any()
                .add(roles::Column::OrganizationId.eq(self.scope.organization_uuid()))
                .add(roles::Column::BuiltIn.eq(true)),
        )
    }

    async fn one(self, select: Select<roles::Entity>) -> Result<Option<Role>> {
        select
            .one(self.scope.database())
            .await?
            .map(Role::read)
            .transpose()
    }

    /// The role of this id, own or of a manifest, if there is one.
    pub async fn get(self, id: RoleId) -> Result<Option<Role>> {
        self.one(self.seen().filter(roles::Column::Id.eq(id.uuid())))
            .await
    }

    /// The role of this name, if there is one; a manifest's before an own one.
    pub async fn by_name(self, key: &str) -> Result<Option<Role>> {
        let select = self.seen().filter(roles::Column::NameKey.eq(key));
        self.one(select.order_by_desc(roles::Column::BuiltIn)).await
    }

    /// Those of these roles that there are, in no order.
    pub async fn get_many(self, ids: &[RoleId]) -> Result<Vec<Role>> {
        let ids = ids.iter().map(|id| id.uuid());
        let rows = self
            .seen()
            .filter(roles::Column::Id.is_in(ids))
            .all(self.scope.database())
            .await?;
        rows.into_iter().map(Role::read).collect()
    }

    /// Own roles and those of manifests, oldest first.
    pub async fn list(self, filter: &RoleFilter, walk: Walk) -> Result<Page<Role>> {
        let mut select = self.seen();
        if let Some(product) = &filter.product {
            select = select.filter(roles::Column::Product.eq(product));
        }
        if let Some(built_in) = filter.built_in {
            select = select.filter(roles::Column::BuiltIn.eq(built_in));
        }
        let sorting = Sorting {
            at: roles::Column::CreatedAt,
            id: roles::Column::Id,
            descending: false,
        };
        list::walk(self.scope, select, sorting, walk, |row| Cursor {
            at: row.created_at,
            id: row.id,
        })
        .await?
        .try_map(Role::read)
    }

    /// Adds an own role. `Conflict` when the name is taken, also by a manifest's role; `Outside`
    /// when it says it is a manifest's.
    pub async fn insert(self, role: &Role) -> Result<()> {
        refuse_built_in(role)?;
        self.refuse_name(role).await?;
        self.insert_row(role).await
    }

    /// Adds a row, of whichever kind, and its change.
    pub(crate) async fn insert_row(self, role: &Role) -> Result<()> {
        let row = roles::Model {
            organization_id: self.scope.organization_uuid(),
            id: role.id.uuid(),
            product: role.product.clone(),
            name: role.name.clone(),
            name_key: role.name_key.clone(),
            description: role.description.clone(),
            permissions: columns::to_json(&role.permissions)?,
            built_in: role.built_in,
            created_at: micros(role.created_at),
        };
        roles::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        self.scope.record(Change::created(role.fact()));
        Ok(())
    }

    /// Replaces name, description, product and permissions of an own role. `NotFound` when there
    /// is none, `Outside` for a manifest's, `Conflict` when the name is taken.
    pub async fn update(self, role: &Role) -> Result<()> {
        let before = self
            .get(role.id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        refuse_built_in(&before)?;
        if before.name_key != role.name_key {
            self.refuse_name(role).await?;
        }
        self.update_row(&before, role).await
    }

    /// Replaces a row, of whichever kind, and records its change.
    pub(crate) async fn update_row(self, before: &Role, role: &Role) -> Result<()> {
        let row = roles::ActiveModel {
            product: ActiveValue::Set(role.product.clone()),
            name: ActiveValue::Set(role.name.clone()),
            name_key: ActiveValue::Set(role.name_key.clone()),
            description: ActiveValue::Set(role.description.clone()),
            permissions: ActiveValue::Set(columns::to_json(&role.permissions)?),
            ..Default::default()
        };
        roles::Entity::update_many()
            .set(row)
            .filter(roles::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(roles::Column::Id.eq(role.id.uuid()))
            .exec(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        self.scope
            .record(Change::updated(before.fact(), role.fact()));
        if before.description != role.description {
            self.scope.touch();
        }
        Ok(())
    }

    /// Removes an own role and its grants. `NotFound` when there is none, `Outside` for a
    /// manifest's.
    pub async fn delete(self, id: RoleId) -> Result<()> {
        let role = self
            .get(id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        refuse_built_in(&role)?;
        self.delete_row(&role).await
    }

    /// Removes a row, of whichever kind, with this organization's grants of it.
    pub(crate) async fn delete_row(self, role: &Role) -> Result<()> {
        self.scope.grants().forget_role(role.id).await?;
        roles::Entity::delete_many()
            .filter(roles::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(roles::Column::Id.eq(role.id.uuid()))
            .exec(self.scope.database())
            .await?;
        self.scope.record(Change::removed(role.fact()));
        Ok(())
    }

    /// A name means one role in an organization, so a manifest's cannot be taken. The own ones are
    /// the unique index's matter.
    async fn refuse_name(self, role: &Role) -> Result<()> {
        match self.by_name(&role.name_key).await? {
            Some(other) if other.id != role.id => Err(StoreError::Conflict {
                noun: NOUN,
                field: "name",
            }),
            _ => Ok(()),
        }
    }
}

fn refuse_built_in(role: &Role) -> Result<()> {
    if role.built_in {
        Err(StoreError::Outside { noun: NOUN })
    } else {
        Ok(())
    }
}
