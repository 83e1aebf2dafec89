//! Who holds which role.

use gatepost_core::{Change, Fact, GrantSubject, RoleId};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use crate::columns::{subject, subject_columns};
use crate::entity::grants;
use crate::error::{Result, StoreError};
use crate::roles::Role;
use crate::scope::Scope;

/// The grants of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Grants<'a> {
    scope: &'a Scope,
}

impl<'a> Grants<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<grants::Entity> {
        grants::Entity::find()
            .filter(grants::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    fn own_of(self, who: GrantSubject) -> Select<grants::Entity> {
        let (kind, id) = subject_columns(who);
        self.own()
            .filter(grants::Column::SubjectKind.eq(kind))
            .filter(grants::Column::SubjectId.eq(id))
    }

    /// Gives a role; `false` when the subject has it already. `NotFound` when there is no such
    /// user, group, application or role.
    pub async fn give(self, who: GrantSubject, role: RoleId) -> Result<bool> {
        let held = self
            .own_of(who)
            .filter(grants::Column::RoleId.eq(role.uuid()));
        if held.one(self.scope.database()).await?.is_some() {
            return Ok(false);
        }
        self.require_subject(who).await?;
        self.scope
            .roles()
            .get(role)
            .await?
            .ok_or(StoreError::NotFound { noun: "role" })?;
        let (kind, id) = subject_columns(who);
        let row = grants::Model {
            organization_id: self.scope.organization_uuid(),
            subject_kind: kind.to_owned(),
            subject_id: id,
            role_id: role.uuid(),
        };
        grants::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await?;
        self.scope.record(Change::created(fact(who, role)));
        Ok(true)
    }

    async fn require_subject(self, who: GrantSubject) -> Result<()> {
        let (noun, there) = match who {
            GrantSubject::User(id) => ("user", self.scope.users().get(id).await?.is_some()),
            GrantSubject::Group(id) => ("group", self.scope.groups().get(id).await?.is_some()),
            GrantSubject::Application(id) => (
                "application",
                self.scope.applications().get(id).await?.is_some(),
            ),
        };
        if there {
            Ok(())
        } else {
            Err(StoreError::NotFound { noun })
        }
    }

    /// Takes a role back; `false` when the subject does not have it.
    pub async fn take(self, who: GrantSubject, role: RoleId) -> Result<bool> {
        let (kind, id) = subject_columns(who);
        let done = grants::Entity::delete_many()
            .filter(grants::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(grants::Column::SubjectKind.eq(kind))
            .filter(grants::Column::SubjectId.eq(id))
            .filter(grants::Column::RoleId.eq(role.uuid()))
            .exec(self.scope.database())
            .await?;
        if done.rows_affected == 0 {
            return Ok(false);
        }
        self.scope.record(Change::removed(fact(who, role)));
        Ok(true)
    }

    /// The roles that a subject holds itself, by name. Those of its groups are not among them.
    pub async fn of(self, who: GrantSubject) -> Result<Vec<Role>> {
        let roles: Vec<RoleId> = self
            .of_many(&[who])
            .await?
            .into_iter()
            .map(|(_, role)| role)
            .collect();
        let mut roles = self.scope.roles().get_many(&roles).await?;
        roles.sort_by(|one, other| one.name_key.cmp(&other.name_key));
        Ok(roles)
    }

    /// The roles that each of these subjects holds itself, by subject and role id.
    pub async fn of_many(self, who: &[GrantSubject]) -> Result<Vec<(GrantSubject, RoleId)>> {
        let ids = who.iter().map(|who| subject_columns(*who).1);
        let rows = self
            .own()
            .filter(grants::Column::SubjectId.is_in(ids))
            .order_by_asc(grants::Column::SubjectId)
            .order_by_asc(grants::Column::RoleId)
            .all(self.scope.database())
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let holder = subject(&row.subject_kind, row.subject_id)?;
            if who.contains(&holder) {
                found.push((holder, RoleId::new(row.role_id)));
            }
        }
        Ok(found)
    }

    /// Who holds a role itself, in no order.
    pub async fn of_role(self, role: RoleId) -> Result<Vec<GrantSubject>> {
        let rows: Vec<(String, Uuid)> = self
            .own()
            .select_only()
            .column(grants::Column::SubjectKind)
            .column(grants::Column::SubjectId)
            .filter(grants::Column::RoleId.eq(role.uuid()))
            .into_tuple()
            .all(self.scope.database())
            .await?;
        rows.into_iter()
            .map(|(kind, id)| subject(&kind, id))
            .collect()
    }

    /// Takes all roles from a subject, before it goes.
    pub(crate) async fn forget(self, who: GrantSubject) -> Result<()> {
        for (who, role) in self.of_many(&[who]).await? {
            self.take(who, role).await?;
        }
        Ok(())
    }

    /// Takes a role from everybody, before it goes.
    pub(crate) async fn forget_role(self, role: RoleId) -> Result<()> {
        for who in self.of_role(role).await? {
            self.take(who, role).await?;
        }
        Ok(())
    }
}

fn fact(subject: GrantSubject, role: RoleId) -> Fact {
    Fact::Grant {
        subject,
        role,
        until: None,
        limits: Vec::new(),
    }
}
