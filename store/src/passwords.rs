//! Password hashes of users: changed, made better, remembered.

use gatepost_core::UserId;
use sea_orm::{
    ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use time::OffsetDateTime;

use crate::dialect;
use crate::entity::{password_history, users};
use crate::error::{Result, StoreError};
use crate::times::micros;
use crate::users::{PasswordHash, Users};

impl Users<'_> {
    /// Replaces a user's password hash, and keeps at most `former_max` of those before it. What the
    /// one before opened and nobody finished is forgotten with it.
    /// `NotFound` when there is no such user.
    pub async fn set_password(
        self,
        id: UserId,
        hash: PasswordHash,
        former_max: u32,
        now: OffsetDateTime,
    ) -> Result<()> {
        let before = self
            .get(id)
            .await?
            .ok_or(StoreError::NotFound { noun: "user" })?;
        let row = users::ActiveModel {
            password_work: ActiveValue::Set(hash.work().to_owned()),
            password_hash: ActiveValue::Set(hash.0),
            updated_at: ActiveValue::Set(micros(now)),
            ..Default::default()
        };
        self.set(id, row).await?;
        self.remember(id, before.password_hash, former_max, now)
            .await?;
        self.scope().mfa().forget_challenges(id).await?;
        self.scope().touch();
        Ok(())
    }

    /// Replaces a user's password hash by a better one of the same password, unless it is another
    /// than `checked` by now; answers whether it did.
    pub async fn improve_password(
        self,
        id: UserId,
        checked: &PasswordHash,
        better: PasswordHash,
    ) -> Result<bool> {
        let row = users::ActiveModel {
            password_work: ActiveValue::Set(better.work().to_owned()),
            password_hash: ActiveValue::Set(better.0),
            ..Default::default()
        };
        let done = users::Entity::update_many()
            .set(row)
            .filter(users::Column::OrganizationId.eq(self.scope().organization_uuid()))
            .filter(users::Column::Id.eq(id.uuid()))
            .filter(users::Column::PasswordHash.eq(checked.0.as_str()))
            .exec(self.scope().database())
            .await?;
        let improved = done.rows_affected > 0;
        if improved {
            self.scope().touch();
        }
        Ok(improved)
    }

    /// The hashes that a user had before the present one, the last one first.
    pub async fn former_passwords(self, id: UserId, most: u32) -> Result<Vec<PasswordHash>> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let rows = self
            .history(id)
            .order_by_desc(password_history::Column::Sequence)
            .limit(u64::from(most))
            .all(self.scope().database())
            .await?;
        let hashes = rows.into_iter().map(|row| PasswordHash(row.password_hash));
        Ok(hashes.collect())
    }

    /// What the checks of this organization's hashes cost: each cost once, in its own words.
    pub async fn password_works(self) -> Result<Vec<String>> {
        let scope = self.scope();
        dialect::password_works(scope.database(), scope.organization_uuid()).await
    }

    /// Forgets all hashes that a user had.
    pub(crate) async fn forget_passwords(self, id: UserId) -> Result<()> {
        self.forget_before(id, i64::MAX).await
    }

    async fn remember(
        self,
        id: UserId,
        hash: PasswordHash,
        most: u32,
        now: OffsetDateTime,
    ) -> Result<()> {
        let last = self
            .history(id)
            .order_by_desc(password_history::Column::Sequence)
            .one(self.scope().database())
            .await?;
        let sequence = last.map_or(1, |row| row.sequence.saturating_add(1));
        if most > 0 {
            let row = password_history::Model {
                organization_id: self.scope().organization_uuid(),
                user_id: id.uuid(),
                sequence,
                password_hash: hash.0,
                replaced_at: micros(now),
            };
            password_history::Entity::insert(row.into_active_model())
                .exec_without_returning(self.scope().database())
                .await?;
        }
        // Numbers have no gaps, so this leaves as many as are wanted.
        self.forget_before(id, sequence.saturating_sub(i64::from(most)))
            .await
    }

    /// Forgets up to this number.
    async fn forget_before(self, id: UserId, sequence: i64) -> Result<()> {
        password_history::Entity::delete_many()
            .filter(password_history::Column::OrganizationId.eq(self.scope().organization_uuid()))
            .filter(password_history::Column::UserId.eq(id.uuid()))
            .filter(password_history::Column::Sequence.lte(sequence))
            .exec(self.scope().database())
            .await?;
        Ok(())
    }

    fn history(self, id: UserId) -> Select<password_history::Entity> {
        password_history::Entity::find()
            .filter(password_history::Column::OrganizationId.eq(self.scope().organization_uuid()))
            .filter(password_history::Column::UserId.eq(id.uuid()))
    }
}
