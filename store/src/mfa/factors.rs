//! What people have beside their password: factors, recovery codes, remembered devices.

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use time::OffsetDateTime;

use super::{Mfa, count, method, signed};
use crate::entity::{recovery_codes, remembered_devices, user_factors};
use crate::error::{Result, StoreError};
use crate::times::{instant, maybe_instant, micros};

const TABLE: &str = "user_factors";
/// Most devices of one user that are remembered; one more, and the oldest is forgotten.
const DEVICES_PER_USER_MAX: u64 = 20;

/// A second factor of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Whose it is.
    pub user: UserId,
    /// Of which kind; a user has at most one of each, and one pending.
    pub method: Method,
    /// Whether it still has to be proved.
    pub pending: bool,
    /// The sealed secret, address or number.
    pub sealed: Vec<u8>,
    /// When it was set up.
    pub created_at: OffsetDateTime,
    /// When it was made the preferred one, if ever; the last one made so is.
    pub preferred_at: Option<OffsetDateTime>,
    /// The hash of the code that proves it, of one that codes are sent to, and until when.
    pub code: Option<(Vec<u8>, OffsetDateTime)>,
    /// How often somebody tried to prove it.
    pub attempts: u32,
    /// How often it was set up in a row.
    pub sends: u32,
}

impl Factor {
    fn read(row: user_factors::Model) -> Result<Self> {
        let id = row.user_id.to_string();
        let until = maybe_instant(row.code_expires_at, TABLE, &id)?;
        Ok(Self {
            user: UserId::new(row.user_id),
            method: method(&row.method, TABLE, &id)?,
            pending: row.pending,
            sealed: row.sealed,
            created_at: instant(row.created_at, TABLE, &id)?,
            preferred_at: maybe_instant(row.preferred_at, TABLE, &id)?,
            code: row.code_hash.zip(until),
            attempts: count(row.attempts),
            sends: count(row.sends),
        })
    }
}

/// A device that is not asked for the second factor for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedDevice {
    /// Whose it is.
    pub user: UserId,
    /// Keyed hash of what the device shows.
    pub hash: Vec<u8>,
    /// When it was remembered.
    pub created_at: OffsetDateTime,
    /// Until when.
    pub expires_at: OffsetDateTime,
}

impl Mfa<'_> {
    /// A user's factors, pending ones too, in the order of their methods' names; her passkeys
    /// together are one.
    pub async fn factors(self, user: UserId) -> Result<Vec<Factor>> {
        let rows = user_factors::Entity::find()
            .filter(self.of(user))
            .order_by_asc(user_factors::Column::Method)
            .order_by_asc(user_factors::Column::Pending)
            .all(self.scope.database())
            .await?;
        let mut factors: Vec<Factor> = rows.into_iter().map(Factor::read).collect::<Result<_>>()?;
        factors.extend(self.passkey_factor(user).await?);
        factors.sort_by_key(|factor| (factor.method.name(), factor.pending));
        Ok(factors)
    }

    /// Puts a factor in the place of the one of its user, method and state.
    pub async fn put(self, factor: &Factor) -> Result<()> {
        let row = user_factors::Model {
            organization_id: self.scope.organization_uuid(),
            user_id: factor.user.uuid(),
            method: factor.method.name().to_owned(),
            pending: factor.pending,
            sealed: factor.sealed.clone(),
            created_at: micros(factor.created_at),
            last_step: None,
            preferred_at: factor.preferred_at.map(micros),
            code_hash: factor.code.as_ref().map(|(hash, _)| hash.clone()),
            code_expires_at: factor.code.as_ref().map(|(_, until)| micros(*until)),
            attempts: signed(factor.attempts),
            sends: signed(factor.sends),
        };
        self.remove_one(factor.user, factor.method, factor.pending)
            .await?;
        user_factors::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, "user", &[]))?;
        self.scope.touch();
        Ok(())
    }

    /// Makes a pending factor one that counts, in the place of the one before.
    pub async fn activate(self, user: UserId, method: Method) -> Result<bool> {
        let is_there = self.one(user, method, true);
        let found = user_factors::Entity::find().filter(is_there.clone());
        if found.one(self.scope.database()).await?.is_none() {
            return Ok(false);
        }
        self.remove_one(user, method, false).await?;
        user_factors::Entity::update_many()
            .col_expr(user_factors::Column::Pending, Expr::val(false))
            .col_expr(
                user_factors::Column::CodeHash,
                Expr::val(Option::<Vec<u8>>::None),
            )
            .col_expr(user_factors::Column::Attempts, Expr::val(0))
            .col_expr(user_factors::Column::Sends, Expr::val(0))
            .filter(is_there)
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(true)
    }

    /// Counts a try to prove a pending factor; `false` when there is none, or there were `most`.
    pub async fn attempt_factor(self, user: UserId, method: Method, most: u32) -> Result<bool> {
        let attempts = (user_factors::Entity, user_factors::Column::Attempts);
        let done = user_factors::Entity::update_many()
            .col_expr(user_factors::Column::Attempts, Expr::col(attempts).add(1))
            .filter(self.one(user, method, true))
            .filter(user_factors::Column::Attempts.lt(signed(most)))
            .exec(self.scope.database())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Marks a time step of the authenticator app as used, with all before it; `false` when it was,
    /// or there is no such factor (RFC 6238 §5.2).
    pub async fn use_step(self, user: UserId, pending: bool, step: i64) -> Result<bool> {
        let unused = Condition::any()
            .add(user_factors::Column::LastStep.is_null())
            .add(user_factors::Column::LastStep.lt(step));
        let done = user_factors::Entity::update_many()
            .col_expr(user_factors::Column::LastStep, Expr::val(step))
            .filter(self.one(user, Method::App, pending))
            .filter(unused)
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(done.rows_affected > 0)
    }

    /// Makes a factor the preferred one; `false` when the user has none such that counts.
    pub async fn prefer(self, user: UserId, method: Method, now: OffsetDateTime) -> Result<bool> {
        if method == Method::Passkey {
            return self.prefer_passkeys(user, now).await;
        }
        let done = user_factors::Entity::update_many()
            .col_expr(user_factors::Column::PreferredAt, Expr::val(micros(now)))
            .filter(self.one(user, method, false))
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(done.rows_affected > 0)
    }

    /// Removes a user's factors of a method, or all, pending ones too; answers how many.
    pub async fn remove_factors(self, user: UserId, method: Option<Method>) -> Result<u64> {
        let mut which = self.of(user);
        if let Some(method) = method {
            which = which.add(user_factors::Column::Method.eq(method.name()));
        }
        let done = user_factors::Entity::delete_many()
            .filter(which)
            .exec(self.scope.database())
            .await?;
        let passkeys = match method {
            None | Some(Method::Passkey) => self.remove_passkeys(user).await?,
            Some(_) => 0,
        };
        self.scope.touch();
        Ok(done.rows_affected + passkeys)
    }

    async fn remove_one(self, user: UserId, method: Method, pending: bool) -> Result<()> {
        user_factors::Entity::delete_many()
            .filter(self.one(user, method, pending))
            .exec(self.scope.database())
            .await?;
        Ok(())
    }

    fn of(self, user: UserId) -> Condition {
        Condition::all()
            .add(user_factors::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .add(user_factors::Column::UserId.eq(user.uuid()))
    }

    fn one(self, user: UserId, method: Method, pending: bool) -> Condition {
        self.of(user)
            .add(user_factors::Column::Method.eq(method.name()))
            .add(user_factors::Column::Pending.eq(pending))
    }

    /// Replaces a user's recovery codes by those of these hashes.
    pub async fn set_recovery_codes(self, user: UserId, hashes: &[Vec<u8>]) -> Result<()> {
        recovery_codes::Entity::delete_many()
            .filter(recovery_codes::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(recovery_codes::Column::UserId.eq(user.uuid()))
            .exec(self.scope.database())
            .await?;
        let rows = hashes.iter().map(|hash| {
            let row = recovery_codes::Model {
                organization_id: self.scope.organization_uuid(),
                user_id: user.uuid(),
                hash: hash.clone(),
            };
            row.into_active_model()
        });
        if !hashes.is_empty() {
            recovery_codes::Entity::insert_many(rows)
                .exec_without_returning(self.scope.database())
                .await?;
        }
        self.scope.touch();
        Ok(())
    }

    /// Uses a recovery code up; `false` when the user has none such.
    pub async fn use_recovery_code(self, user: UserId, hash: &[u8]) -> Result<bool> {
        let done = recovery_codes::Entity::delete_many()
            .filter(recovery_codes::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(recovery_codes::Column::UserId.eq(user.uuid()))
            .filter(recovery_codes::Column::Hash.eq(hash))
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(done.rows_affected > 0)
    }

    /// How many recovery codes a user has left.
    pub async fn recovery_codes_left(self, user: UserId) -> Result<u32> {
        let rows: Vec<Vec<u8>> = recovery_codes::Entity::find()
            .select_only()
            .column(recovery_codes::Column::Hash)
            .filter(recovery_codes::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(recovery_codes::Column::UserId.eq(user.uuid()))
            .into_tuple()
            .all(self.scope.database())
            .await?;
        Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
    }

    /// Remembers a device; of too many of one user the oldest is forgotten.
    pub async fn remember(self, device: &RememberedDevice) -> Result<()> {
        let others: Vec<Vec<u8>> = self
            .devices(device.user)
            .select_only()
            .column(remembered_devices::Column::Hash)
            .order_by_desc(remembered_devices::Column::CreatedAt)
            .offset(DEVICES_PER_USER_MAX - 1)
            .limit(DEVICES_PER_USER_MAX)
            .into_tuple()
            .all(self.scope.database())
            .await?;
        remembered_devices::Entity::delete_many()
            .filter(remembered_devices::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(remembered_devices::Column::UserId.eq(device.user.uuid()))
            .filter(remembered_devices::Column::Hash.is_in(others))
            .exec(self.scope.database())
            .await?;
        let row = remembered_devices::Model {
            organization_id: self.scope.organization_uuid(),
            user_id: device.user.uuid(),
            hash: device.hash.clone(),
            created_at: micros(device.created_at),
            expires_at: micros(device.expires_at),
        };
        remembered_devices::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, "user", &[]))?;
        self.scope.touch();
        Ok(())
    }

    /// Whether a device of this user is remembered.
    pub async fn is_remembered(
        self,
        user: UserId,
        hash: &[u8],
        now: OffsetDateTime,
    ) -> Result<bool> {
        let found = self
            .devices(user)
            .filter(remembered_devices::Column::Hash.eq(hash))
            .filter(remembered_devices::Column::ExpiresAt.gt(micros(now)))
            .one(self.scope.database())
            .await?;
        Ok(found.is_some())
    }

    /// Forgets the devices of a user.
    pub async fn forget_devices(self, user: UserId) -> Result<()> {
        remembered_devices::Entity::delete_many()
            .filter(remembered_devices::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(remembered_devices::Column::UserId.eq(user.uuid()))
            .exec(self.scope.database())
            .await?;
        Ok(())
    }

    pub(super) async fn prune_devices(self, now: i64) -> Result<u64> {
        let done = remembered_devices::Entity::delete_many()
            .filter(remembered_devices::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(remembered_devices::Column::ExpiresAt.lte(now))
            .exec(self.scope.database())
            .await?;
        Ok(done.rows_affected)
    }

    fn devices(self, user: UserId) -> sea_orm::Select<remembered_devices::Entity> {
        remembered_devices::Entity::find()
            .filter(remembered_devices::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(remembered_devices::Column::UserId.eq(user.uuid()))
    }
}
