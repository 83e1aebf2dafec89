//! People's accounts.

use std::fmt;

use gatepost_core::{Change, Fact, GrantSubject, GroupId, Member, Status, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, Select};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns;
use crate::entity::{user_members, users};
use crate::error::{Result, StoreError};
use crate::list::{self, Cursor, Page, Sorting, Walk};
use crate::scope::Scope;
use crate::times::{instant, micros};

const NOUN: &str = "user";
const UNIQUE: [(&str, &str); 2] = [("username_key", "username"), ("email_key", "email")];

/// A person's account in one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Which user.
    pub id: UserId,
    /// The name as she wrote it.
    pub username: String,
    /// The name as it is compared: unique in the organization.
    pub username_key: String,
    /// The address as she wrote it.
    pub email: Option<String>,
    /// The address as it is compared: unique in the organization.
    pub email_key: Option<String>,
    /// Whether the address was proved to be hers.
    pub email_verified: bool,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// Hash of her password.
    pub password_hash: PasswordHash,
    /// Whether the account may be used.
    pub status: Status,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

impl User {
    /// Her name for people: first and last name, else the username.
    pub fn display_name(&self) -> String {
        display_name(&self.username, &self.first_name, &self.last_name)
    }

    pub(crate) fn fact(&self) -> Fact {
        Fact::User {
            id: self.id,
            username: self.username.clone(),
            display_name: self.display_name(),
            status: self.status,
        }
    }

    pub(crate) fn read(row: users::Model) -> Result<Self> {
        let id = row.id.to_string();
        Ok(Self {
            id: UserId::new(row.id),
            status: columns::status(&row.status, "users", row.id)?,
            username: row.username,
            username_key: row.username_key,
            email: row.email,
            email_key: row.email_key,
            email_verified: row.email_verified,
            first_name: row.first_name,
            last_name: row.last_name,
            password_hash: PasswordHash(row.password_hash),
            created_at: instant(row.created_at, "users", &id)?,
            updated_at: instant(row.updated_at, "users", &id)?,
        })
    }
}

/// A password's hash, which no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl PasswordHash {
    /// What a check of it costs, as the hash itself says: its form and its parameters, without
    /// salt and digest. Empty for a text that has no such parts.
    pub fn work(&self) -> &str {
        // bcrypt writes its digest right behind its salt.
        let secret_parts = if self.0.starts_with("$2") { 1 } else { 2 };
        let mut parts = self.0.rsplitn(secret_parts + 1, '$');
        parts.nth(secret_parts).unwrap_or_default()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

/// Which users; what is absent does not narrow.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// With this status.
    pub status: Option<Status>,
    /// With this username, as it is compared.
    pub username_key: Option<String>,
    /// With this address, as it is compared.
    pub email_key: Option<String>,
    /// Directly in this group.
    pub group: Option<GroupId>,
}

/// The users of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Users<'a> {
    scope: &'a Scope,
}

impl<'a> Users<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    pub(crate) fn scope(self) -> &'a Scope {
        self.scope
    }

    fn own(self) -> Select<users::Entity> {
        users::Entity::find()
            .filter(users::Column::OrganizationId.eq(self.scope.organization_uuid()))
    }

    async fn one(self, select: Select<users::Entity>) -> Result<Option<User>> {
        select
            .one(self.scope.database())
            .await?
            .map(User::read)
            .transpose()
    }

    /// The user of this id, if there is one.
    pub async fn get(self, id: UserId) -> Result<Option<User>> {
        self.one(self.own().filter(users::Column::Id.eq(id.uuid())))
            .await
    }

    /// The user of this name, if there is one.
    pub async fn by_username(self, key: &str) -> Result<Option<User>> {
        self.one(self.own().filter(users::Column::UsernameKey.eq(key)))
            .await
    }

    /// The user of this address, verified or not, if there is one.
    pub async fn by_email(self, key: &str) -> Result<Option<User>> {
        self.one(self.own().filter(users::Column::EmailKey.eq(key)))
            .await
    }

    /// Those of these users that there are, in no order.
    pub async fn get_many(self, ids: &[UserId]) -> Result<Vec<User>> {
        let ids = ids.iter().map(|id| id.uuid());
        let rows = self
            .own()
            .filter(users::Column::Id.is_in(ids))
            .all(self.scope.database())
            .await?;
        rows.into_iter().map(User::read).collect()
    }

    /// Users, oldest first.
    pub async fn list(self, filter: &UserFilter, walk: Walk) -> Result<Page<User>> {
        let mut select = self.own();
        if let Some(status) = filter.status {
            select = select.filter(users::Column::Status.eq(columns::status_text(status)));
        }
        if let Some(key) = &filter.username_key {
            select = select.filter(users::Column::UsernameKey.eq(key));
        }
        if let Some(key) = &filter.email_key {
            select = select.filter(users::Column::EmailKey.eq(key));
        }
        if let Some(group) = filter.group {
            let members = Query::select()
                .column(user_members::Column::UserId)
                .from(user_members::Entity)
                .and_where(
                    Expr::col(user_members::Column::OrganizationId)
                        .eq(self.scope.organization_uuid()),
                )
                .and_where(Expr::col(user_members::Column::GroupId).eq(group.uuid()))
                .take();
            select = select.filter(users::Column::Id.in_subquery(members));
        }
        let sorting = Sorting {
            at: users::Column::CreatedAt,
            id: users::Column::Id,
            descending: false,
        };
        list::walk(self.scope, select, sorting, walk, |row| Cursor {
            at: row.created_at,
            id: row.id,
        })
        .await?
        .try_map(User::read)
    }

    /// Adds a user. `Conflict` when the name or the address is taken.
    pub async fn insert(self, user: &User) -> Result<()> {
        let row = users::Model {
            organization_id: self.scope.organization_uuid(),
            id: user.id.uuid(),
            username: user.username.clone(),
            username_key: user.username_key.clone(),
            email: user.email.clone(),
            email_key: user.email_key.clone(),
            email_verified: user.email_verified,
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            password_hash: user.password_hash.0.clone(),
            password_work: user.password_hash.work().to_owned(),
            status: columns::status_text(user.status),
            created_at: micros(user.created_at),
            updated_at: micros(user.updated_at),
        };
        users::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        self.scope.record(Change::created(user.fact()));
        Ok(())
    }

    /// Replaces all of a user but id, password and `created_at`; nothing when nothing differs.
    /// `NotFound` when there is none, `Conflict` when the name or the address is taken.
    pub async fn update(self, user: &User) -> Result<()> {
        let before = self
            .get(user.id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        let same = User {
            password_hash: user.password_hash.clone(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            ..before.clone()
        };
        if same == *user {
            return Ok(());
        }
        let row = users::ActiveModel {
            username: ActiveValue::Set(user.username.clone()),
            username_key: ActiveValue::Set(user.username_key.clone()),
            email: ActiveValue::Set(user.email.clone()),
            email_key: ActiveValue::Set(user.email_key.clone()),
            email_verified: ActiveValue::Set(user.email_verified),
            first_name: ActiveValue::Set(user.first_name.clone()),
            last_name: ActiveValue::Set(user.last_name.clone()),
            status: ActiveValue::Set(columns::status_text(user.status)),
            updated_at: ActiveValue::Set(micros(user.updated_at)),
            ..Default::default()
        };
        self.set(user.id, row).await?;
        self.scope
            .record(Change::updated(before.fact(), user.fact()));
        // An e-mail address is no fact, and yet a change.
        self.scope.touch();
        Ok(())
    }

    pub(crate) async fn set(self, id: UserId, row: users::ActiveModel) -> Result<()> {
        let done = users::Entity::update_many()
            .set(row)
            .filter(users::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(users::Column::Id.eq(id.uuid()))
            .exec(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, NOUN, &UNIQUE))?;
        if done.rows_affected == 0 {
            return Err(StoreError::NotFound { noun: NOUN });
        }
        Ok(())
    }

    /// Removes a user with her memberships, grants, sessions, second factors and former
    /// passwords. `NotFound` when there is none.
    pub async fn delete(self, id: UserId) -> Result<()> {
        let user = self
            .get(id)
            .await?
            .ok_or(StoreError::NotFound { noun: NOUN })?;
        self.scope.groups().forget(Member::User(id)).await?;
        self.scope.grants().forget(GrantSubject::User(id)).await?;
        self.scope.sessions().forget(id).await?;
        self.forget_passwords(id).await?;
        self.scope.mfa().forget(id).await?;
        users::Entity::delete_many()
            .filter(users::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(users::Column::Id.eq(id.uuid()))
            .exec(self.scope.database())
            .await?;
        self.scope.record(Change::removed(user.fact()));
        Ok(())
    }
}

/// The fact that a user's row is, from the columns that a snapshot needs.
pub(crate) fn fact_of(
    (id, username, first_name, last_name, status): (Uuid, String, String, String, String),
) -> Result<Fact> {
    let status = columns::status(&status, "users", id)?;
    let display_name = display_name(&username, &first_name, &last_name);
    Ok(Fact::User {
        id: UserId::new(id),
        username,
        display_name,
        status,
    })
}

fn display_name(username: &str, first_name: &str, last_name: &str) -> String {
    let name = format!("{} {}", first_name.trim(), last_name.trim());
    match name.trim() {
        "" => username.to_owned(),
        name => name.to_owned(),
    }
}
