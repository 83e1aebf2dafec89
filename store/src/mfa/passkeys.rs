//! Passkeys: what proves that somebody holds a key, as often as she has one.

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Factor, Mfa};
use crate::entity::passkeys;
use crate::error::{Result, StoreError};
use crate::times::{instant, maybe_instant, micros};

const TABLE: &str = "passkeys";

/// A passkey of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Which one.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// The keyed hash of what its authenticator calls it.
    pub credential_hash: Vec<u8>,
    /// The sealed public key, with its counter.
    pub sealed: Vec<u8>,
    /// What its owner calls it.
    pub name: String,
    /// Whether other devices have it, too.
    pub backed_up: bool,
    /// When it was set up.
    pub created_at: OffsetDateTime,
    /// When it was used last, if ever.
    pub last_used_at: Option<OffsetDateTime>,
}

impl Passkey {
    fn read(row: passkeys::Model) -> Result<Self> {
        let id = row.id.to_string();
        Ok(Self {
            id: row.id,
            user: UserId::new(row.user_id),
            credential_hash: row.credential_hash,
            sealed: row.sealed,
            name: row.name,
            backed_up: row.backed_up,
            created_at: instant(row.created_at, TABLE, &id)?,
            last_used_at: maybe_instant(row.last_used_at, TABLE, &id)?,
        })
    }
}

impl Mfa<'_> {
    /// A user's passkeys, the oldest first.
    pub async fn passkeys(self, user: UserId) -> Result<Vec<Passkey>> {
        let rows = self.passkey_rows(user).await?;
        rows.into_iter().map(Passkey::read).collect()
    }

    /// The passkey of a credential.
    pub async fn passkey_of(self, credential_hash: &[u8]) -> Result<Option<Passkey>> {
        let row = passkeys::Entity::find()
            .filter(passkeys::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(passkeys::Column::CredentialHash.eq(credential_hash))
            .one(self.scope.database())
            .await?;
        row.map(Passkey::read).transpose()
    }

    /// Adds a passkey. `Conflict` when its credential is there already; `NotFound` when there is
    /// no such user.
    pub async fn add_passkey(self, passkey: &Passkey) -> Result<()> {
        if self.passkey_of(&passkey.credential_hash).await?.is_some() {
            return Err(StoreError::Conflict {
                noun: "passkey",
                field: "credential",
            });
        }
        // Whoever prefers passkeys prefers the new one, too.
        let others = self.passkey_rows(passkey.user).await?;
        let preferred_at = others.iter().filter_map(|row| row.preferred_at).max();
        let row = passkeys::Model {
            organization_id: self.scope.organization_uuid(),
            id: passkey.id,
            user_id: passkey.user.uuid(),
            credential_hash: passkey.credential_hash.clone(),
            sealed: passkey.sealed.clone(),
            name: passkey.name.clone(),
            backed_up: passkey.backed_up,
            created_at: micros(passkey.created_at),
            last_used_at: passkey.last_used_at.map(micros),
            preferred_at,
        };
        passkeys::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, "user", &[]))?;
        self.scope.touch();
        Ok(())
    }

    /// Notes that a passkey was used, with what is known of it since.
    pub async fn use_passkey(self, passkey: &Passkey, now: OffsetDateTime) -> Result<()> {
        passkeys::Entity::update_many()
            .col_expr(passkeys::Column::Sealed, Expr::val(passkey.sealed.clone()))
            .col_expr(passkeys::Column::BackedUp, Expr::val(passkey.backed_up))
            .col_expr(passkeys::Column::LastUsedAt, Expr::val(micros(now)))
            .filter(self.this_passkey(passkey.user, passkey.id))
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(())
    }

    /// Gives a passkey another name; `false` when the user has none such.
    pub async fn rename_passkey(self, user: UserId, id: Uuid, name: &str) -> Result<bool> {
        let done = passkeys::Entity::update_many()
            .col_expr(passkeys::Column::Name, Expr::val(name))
            .filter(self.this_passkey(user, id))
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(done.rows_affected > 0)
    }

    /// Removes a passkey; `false` when the user has none such.
    pub async fn remove_passkey(self, user: UserId, id: Uuid) -> Result<bool> {
        let done = passkeys::Entity::delete_many()
            .filter(self.this_passkey(user, id))
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(done.rows_affected > 0)
    }

    /// All passkeys of a user as the one factor that they are.
    pub(super) async fn passkey_factor(self, user: UserId) -> Result<Option<Factor>> {
        let times: Vec<(i64, Option<i64>)> = passkeys::Entity::find()
            .select_only()
            .column(passkeys::Column::CreatedAt)
            .column(passkeys::Column::PreferredAt)
            .filter(self.passkeys_of(user))
            .into_tuple()
            .all(self.scope.database())
            .await?;
        let id = user.to_string();
        let Some(created_at) = times.iter().map(|(created, _)| *created).min() else {
            return Ok(None);
        };
        let preferred_at = times.iter().filter_map(|(_, preferred)| *preferred).max();
        Ok(Some(Factor {
            user,
            method: Method::Passkey,
            pending: false,
            sealed: Vec::new(),
            created_at: instant(created_at, TABLE, &id)?,
            preferred_at: maybe_instant(preferred_at, TABLE, &id)?,
            code: None,
            attempts: 0,
            sends: 0,
        }))
    }

    pub(super) async fn prefer_passkeys(self, user: UserId, now: OffsetDateTime) -> Result<bool> {
        let done = passkeys::Entity::update_many()
            .col_expr(passkeys::Column::PreferredAt, Expr::val(micros(now)))
            .filter(self.passkeys_of(user))
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(done.rows_affected > 0)
    }

    pub(super) async fn remove_passkeys(self, user: UserId) -> Result<u64> {
        let done = passkeys::Entity::delete_many()
            .filter(self.passkeys_of(user))
            .exec(self.scope.database())
            .await?;
        Ok(done.rows_affected)
    }

    async fn passkey_rows(self, user: UserId) -> Result<Vec<passkeys::Model>> {
        Ok(passkeys::Entity::find()
            .filter(self.passkeys_of(user))
            .order_by_asc(passkeys::Column::CreatedAt)
            .order_by_asc(passkeys::Column::Id)
            .all(self.scope.database())
            .await?)
    }

    fn passkeys_of(self, user: UserId) -> Condition {
        Condition::all()
            .add(passkeys::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .add(passkeys::Column::UserId.eq(user.uuid()))
    }

    fn this_passkey(self, user: UserId, id: Uuid) -> Condition {
        self.passkeys_of(user).add(passkeys::Column::Id.eq(id))
    }
}
