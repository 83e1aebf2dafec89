//! Named sets of users and of other groups.

use gatepost_core::{Change, Fact, GrantSubject, GroupId, Member, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::entity::{group_members, groups, user_members, users};
use crate::error::{Result, StoreError};
use crate::list::{self, Cursor, Page, Sorting, Walk};
use crate::scope::Scope;
use crate::times::{instant, micros};

const NOUN: &str = "group";
const UNIQUE: [(&str, &str); 1] = [("name_key", "name")];

/// A named set of users and of other groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which group.
    pub id: GroupId,
    /// The name as it was written.
    pub name: String,
    /// The name as it is compared: unique in the organization.
    pub name_key: String,
    /// Whether a manifest asked for it.
    pub built_in: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl Group {
    fn fact(&self) -> Fact {
        Fact::Group {
            id: self.id,
            name: self.name.clone(),
            built_in: self.built_in,
        }
    }

    fn read(row: groups::Model) -> Result<Self> {
        Ok(Self {
            id: GroupId::new(row.id),
            created_at: instant(row.created_at, "groups", &row.id.to_string())?,
            name: row.name,
            name_key: row.name_key,
            built_in: row.built_in,
        })
    }
}

/// Which groups; what is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct GroupFilter {
    /// Those of manifests, or the others.
    pub built_in: Option<bool>,
}

/// The groups of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Groups<'a> {
    scope: &'a Scope,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    fn own(self) -> Select<groups::Entity> {
        groups::Entity::find()
            .filter(groups::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    async fn one(self, select: Select<groups::Entity>) -> Result<Option<Group>> {
        select
            .one(self.scope.database())
            .await?
            .map(Group::read)
            .transpose()
    }

    /// The group of this id, if there is one.
    pub async fn get(self, id: GroupId) -> Result<Option<Group>> {
        self.one(self.own().filter(groups::Column::Id.eq(id.uuid())))
            .await
    }

    /// The group of this name, if there is one.
    pub async fn by_name(self, key: &str) -> Result<Option<Group>> {
        self.one(self.own().filter(groups::Column::NameKey.eq(key)))
            .await
    }

    /// Groups, oldest first.
    pub async fn list(self, filter: &GroupFilter, walk: Walk) -> Result<Page<Group>> {
        let mut select = self.own();
        if let Some(built_in) = filter.built_in {
            select = select.filter(groups::Column::BuiltIn.eq(built_in));
        }
        let sorting = Sorting {
            at: groups::Column::CreatedAt,
            id: groups::Column::Id,
            descending: false,
        };
        list::walk(self.scope, select, sorting, walk, |row| Cursor {
            at: row.created_at,
            id: row.id,
        })
        .await?
        .try_map(Group::read)
    }

    /// Adds a group without members. `Conflict` when the name is taken.
    pub async fn insert(self, group: &Group) -> Result<()> {
        let row = groups::Model {
            organization_id: self.scope.organization_uuid(),
            id: group.id.uuid(),
            name: group.name.clone(),
            name_key: group.name_key.clone(),
            built_in: group.built_in,
            created_at: micros(group.created_at),
        };
        groups::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        self.scope.record(Change::created(group.fact()));
        Ok(())
    }

    /// Replaces a group's name and whether a manifest asked for it. `NotFound` when there is none,
    /// `Conflict` when the name is taken.
    pub async fn update(self, group: &Group) -> Result<()> {
        let before = self
            .get(group.id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        let row = groups::ActiveModel {
            name: ActiveValue::Set(group.name.clone()),
            name_key: ActiveValue::Set(group.name_key.clone()),
            built_in: ActiveValue::Set(group.built_in),
            ..Default::default()
        };
        groups::Entity::update_many()
            .set(row)
            .filter(groups::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(groups::Column::Id.eq(group.id.uuid()))
            .exec(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        self.scope
            .record(Change::updated(before.fact(), group.fact()));
        if before.built_in != group.built_in {
            self.scope.touch();
        }
        Ok(())
    }

    /// Removes a group with its memberships, on both sides, and its grants. `NotFound` when there
    /// is none.
    pub async fn delete(self, id: GroupId) -> Result<()> {
        let group = self
            .get(id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        for member in self.members(id).await? {
            self.remove_member(id, member).await?;
        }
        self.forget(Member::Group(id)).await?;
        self.scope.grants().forget(GrantSubject::Group(id)).await?;
        self.scope.mfa().set_policy(Some(id), None).await?;
        groups::Entity::delete_many()
            .filter(groups::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(groups::Column::Id.eq(id.uuid()))
            .exec(self.scope.database())
            .await?;
        self.scope.record(Change::removed(group.fact()));
        Ok(())
    }

    /// Who is directly in a group: users, then groups, each by id.
    pub async fn members(self, id: GroupId) -> Result<Vec<Member>> {
        Ok(self
            .members_of(&[id])
            .await?
            .into_iter()
            .map(|(_, member)| member)
            .collect())
    }

    /// Who is directly in each of these groups: users, then groups, each by group and id.
    pub async fn members_of(self, ids: &[GroupId]) -> Result<Vec<(GroupId, Member)>> {
        let groups: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let users: Vec<(Uuid, Uuid)> = user_members::Entity::find()
            .select_only()
            .column(user_members::Column::GroupId)
            .column(user_members::Column::UserId)
            .filter(user_members::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(user_members::Column::GroupId.is_in(groups.iter().copied()))
            .order_by_asc(user_members::Column::GroupId)
            .order_by_asc(user_members::Column::UserId)
            .into_tuple()
            .all(self.scope.database())
            .await?;
        let children: Vec<(Uuid, Uuid)> = group_members::Entity::find()
            .select_only()
            .column(group_members::Column::GroupId)
            .column(group_members::Column::ChildId)
            .filter(group_members::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(group_members::Column::GroupId.is_in(groups))
            .order_by_asc(group_members::Column::GroupId)
            .order_by_asc(group_members::Column::ChildId)
            .into_tuple()
            .all(self.scope.database())
            .await?;
        let users = users
            .into_iter()
            .map(|(group, user)| (GroupId::new(group), Member::User(UserId::new(user))));
        let children = children
            .into_iter()
            .map(|(group, child)| (GroupId::new(group), Member::Group(GroupId::new(child))));
        Ok(users.chain(children).collect())
    }

    /// Puts a user or a group into a group; `false` when it is there already. `NotFound` when
    /// there is no such group, user or member group. Cycles are the caller's to refuse.
    pub async fn add_member(self, group: GroupId, member: Member) -> Result<bool> {
        if self.find_both(group, member).await? {
            return Ok(false);
        }
        let (organization, group_id) = (self.scope.organization_uuid(), group.uuid());
        let database = self.scope.database();
        match member {
            Member::User(user) => {
                let row = user_members::Model {
                    organization_id: organization,
                    group_id,
                    user_id: user.uuid(),
                };
                user_members::Entity::insert(row.into_active_model())
                    .exec_without_returning(database)
                    .await?;
            }
            Member::Group(child) => {
                let row = group_members::Model {
                    organization_id: organization,
                    group_id,
                    child_id: child.uuid(),
                };
                group_members::Entity::insert(row.into_active_model())
                    .exec_without_returning(database)
                    .await?;
            }
        }
        self.scope
            .record(Change::created(Fact::Member { group, member }));
        Ok(true)
    }

    /// Whether the member is in the group. `NotFound` when one of them is not there. One question
    /// to the database for all three.
    async fn find_both(self, group: GroupId, member: Member) -> Result<bool> {
        let organization = self.scope.organization_uuid();
        let group_there = Query::select()
            .expr(Expr::col(groups::Column::Id).count())
            .from(groups::Entity)
            .and_where(Expr::col(groups::Column::OrganizationId).eq(organization))
            .and_where(Expr::col(groups::Column::Id).eq(group.uuid()))
            .take();
        let (noun, member_there, edge) = match member {
            Member::User(user) => (
                "user",
                Query::select()
                    .expr(Expr::col(users::Column::Id).count())
                    .from(users::Entity)
                    .and_where(Expr::col(users::Column::OrganizationId).eq(organization))
                    .and_where(Expr::col(users::Column::Id).eq(user.uuid()))
                    .take(),
                Query::select()
                    .expr(Expr::col(user_members::Column::UserId).count())
                    .from(user_members::Entity)
                    .and_where(Expr::col(user_members::Column::OrganizationId).eq(organization))
                    .and_where(Expr::col(user_members::Column::GroupId).eq(group.uuid()))
                    .and_where(Expr::col(user_members::Column::UserId).eq(user.uuid()))
                    .take(),
            ),
            Member::Group(child) => (
                "group",
                Query::select()
                    .expr(Expr::col(groups::Column::Id).count())
                    .from(groups::Entity)
                    .and_where(Expr::col(groups::Column::OrganizationId).eq(organization))
                    .and_where(Expr::col(groups::Column::Id).eq(child.uuid()))
                    .take(),
                Query::select()
                    .expr(Expr::col(group_members::Column::ChildId).count())
                    .from(group_members::Entity)
                    .and_where(Expr::col(group_members::Column::OrganizationId).eq(organization))
                    .and_where(Expr::col(group_members::Column::GroupId).eq(group.uuid()))
                    .and_where(Expr::col(group_members::Column::ChildId).eq(child.uuid()))
                    .take(),
            ),
        };
        let question = Query::select()
            .expr_as(
                Expr::SubQuery(None, Box::new(group_there.into())),
                "group_there",
            )
            .expr_as(
                Expr::SubQuery(None, Box::new(member_there.into())),
                "member_there",
            )
            .expr_as(Expr::SubQuery(None, Box::new(edge.into())), "edge")
            .take();
        let row = self.scope.database().query_one(&question).await?;
        let there = |column: &str| match &row {
            Some(row) => row.try_get::<i64>("", column).map(|count| count > 0),
            None => Ok(false),
        };
        if !there("group_there")? {
            return Err(StoreError::NotFound { noun: NOUN });
        }
        if !there("member_there")? {
            return Err(StoreError::NotFound { noun });
        }
        Ok(there("edge")?)
    }

    /// Takes a user or a group out of a group; `false` when it is not in it.
    pub async fn remove_member(self, group: GroupId, member: Member) -> Result<bool> {
        let organization = self.scope.organization_uuid();
        let database = self.scope.database();
        let done = match member {
            Member::User(user) => {
                user_members::Entity::delete_many()
                    .filter(user_members::Column::OrganizationId.eq(organization))
                    .filter(user_members::Column::GroupId.eq(group.uuid()))
                    .filter(user_members::Column::UserId.eq(user.uuid()))
                    .exec(database)
                    .await?
            }
            Member::Group(child) => {
                group_members::Entity::delete_many()
                    .filter(group_members::Column::OrganizationId.eq(organization))
                    .filter(group_members::Column::GroupId.eq(group.uuid()))
                    .filter(group_members::Column::ChildId.eq(child.uuid()))
                    .exec(database)
                    .await?
            }
        };
        if done.rows_affected == 0 {
            return Ok(false);
        }
        self.scope
            .record(Change::removed(Fact::Member { group, member }));
        Ok(true)
    }

    /// The groups that a user is directly in, by name.
    pub async fn of_user(self, user: UserId) -> Result<Vec<Group>> {
        Ok(self
            .of_users(&[user])
            .await?
            .into_iter()
            .map(|(_, group)| group)
            .collect())
    }

    /// The groups that each of these users is directly in, by name.
    pub async fn of_users(self, users: &[UserId]) -> Result<Vec<(UserId, Group)>> {
        let edges: Vec<(Uuid, Uuid)> = user_members::Entity::find()
            .select_only()
            .column(user_members::Column::UserId)
            .column(user_members::Column::GroupId)
            .filter(user_members::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(user_members::Column::UserId.is_in(users.iter().map(|id| id.uuid())))
            .into_tuple()
            .all(self.scope.database())
            .await?;
        let rows = self
            .own()
            .filter(groups::Column::Id.is_in(edges.iter().map(|(_, group)| *group)))
            .order_by_asc(groups::Column::NameKey)
            .all(self.scope.database())
            .await?;
        let mut found = Vec::with_capacity(edges.len());
        for row in rows {
            let group = Group::read(row)?;
            let members = edges.iter().filter(|(_, id)| *id == group.id.uuid());
            found.extend(members.map(|(user, _)| (UserId::new(*user), group.clone())));
        }
        Ok(found)
    }

    /// Which group is directly in which: (parent, child), in no order.
    pub async fn edges(self) -> Result<Vec<(GroupId, GroupId)>> {
        let rows: Vec<(Uuid, Uuid)> = group_members::Entity::find()
            .select_only()
            .column(group_members::Column::GroupId)
            .column(group_members::Column::ChildId)
            .filter(group_members::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .into_tuple()
            .all(self.scope.database())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(group, child)| (group.into(), child.into()))
            .collect())
    }

    /// Takes a member out of every group, before it goes.
    pub(crate) async fn forget(self, member: Member) -> Result<()> {
        let organization = self.scope.organization_uuid();
        let database = self.scope.database();
        let groups: Vec<Uuid> = match member {
            Member::User(user) => {
                user_members::Entity::find()
                    .select_only()
                    .column(user_members::Column::GroupId)
                    .filter(user_members::Column::OrganizationId.eq(organization))
                    .filter(user_members::Column::UserId.eq(user.uuid()))
                    .into_tuple()
                    .all(database)
                    .await?
            }
            Member::Group(child) => {
                group_members::Entity::find()
                    .select_only()
                    .column(group_members::Column::GroupId)
                    .filter(group_members::Column::OrganizationId.eq(organization))
                    .filter(group_members::Column::ChildId.eq(child.uuid()))
                    .into_tuple()
                    .all(database)
                    .await?
            }
        };
        for group in groups {
            self.remove_member(GroupId::new(group), member).await?;
        }
        Ok(())
    }
}
