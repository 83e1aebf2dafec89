//! Challenges: sign-ins, and changes of one's own factors, that wait for a code.
//!
//! What is counted here is counted by one statement each, so that no replica can be played
//! against another.

use gatepost_core::mfa::Method;
use gatepost_core::{ApplicationId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Mfa, count, method, signed};
use crate::entity::mfa_challenges;
use crate::error::{Result, StoreError};
use crate::times::{instant, micros};

const TABLE: &str = "mfa_challenges";

/// What is done when a challenge is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session begins.
    SignIn,
    /// A first factor is set up, and then a session begins.
    Enrol,
    /// Somebody signed in may change the own factors.
    Proof,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Enrol => "enrol",
            Self::Proof => "proof",
        }
    }
}

/// A code that was sent, by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Where it was sent to.
    pub method: Method,
    /// Its keyed hash.
    pub hash: Vec<u8>,
    /// Until when it is good.
    pub expires_at: OffsetDateTime,
}

/// A sign-in that waits for the second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Which challenge.
    pub id: Uuid,
    /// Who signs in, and nobody else.
    pub user: UserId,
    /// Through which application, if through one.
    pub application: Option<ApplicationId>,
    /// What it is for.
    pub purpose: Purpose,
    /// The scope that was asked for.
    pub scope: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Until when it can be met.
    pub expires_at: OffsetDateTime,
    /// How often somebody tried.
    pub attempts: u32,
    /// How many codes were sent.
    pub sends: u32,
    /// The last code that was sent.
    pub code: Option<Code>,
}

impl Challenge {
    fn read(row: mfa_challenges::Model) -> Result<Self> {
        let id = row.id.to_string();
        let purpose = [Purpose::SignIn, Purpose::Enrol, Purpose::Proof]
            .into_iter()
            .find(|purpose| purpose.name() == row.purpose)
            .ok_or_else(|| StoreError::Corrupt {
                table: TABLE,
                column: "purpose",
                id: id.clone(),
            })?;
        let code = match (row.code_method, row.code_hash, row.code_expires_at) {
            (Some(sent), Some(hash), Some(until)) => Some(Code {
                method: method(&sent, TABLE, &id)?,
                hash,
                expires_at: instant(until, TABLE, &id)?,
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            user: UserId::new(row.user_id),
            application: row.application_id.map(ApplicationId::new),
            purpose,
            scope: row.scope,
            created_at: instant(row.created_at, TABLE, &id)?,
            expires_at: instant(row.expires_at, TABLE, &id)?,
            attempts: count(row.attempts),
            sends: count(row.sends),
            code,
        })
    }
}

impl Mfa<'_> {
    /// Adds a challenge in which no code was sent. `NotFound` when there is no such user.
    pub async fn challenge(self, challenge: &Challenge) -> Result<()> {
        let row = mfa_challenges::Model {
            organization_id: self.scope.organization_uuid(),
            id: challenge.id,
            user_id: challenge.user.uuid(),
            application_id: challenge.application.map(ApplicationId::uuid),
            purpose: challenge.purpose.name().to_owned(),
            scope: challenge.scope.clone(),
            created_at: micros(challenge.created_at),
            expires_at: micros(challenge.expires_at),
            attempts: signed(challenge.attempts),
            sends: signed(challenge.sends),
            code_method: None,
            code_hash: None,
            code_expires_at: None,
        };
        mfa_challenges::Entity::insert(row.into_active_model())
            .exec_without_returning(self.scope.database())
            .await
            .map_err(|error| StoreError::from_insert(error, "user", &[]))?;
        self.scope.touch();
        Ok(())
    }

    /// The challenge of this id, over or not.
    pub async fn get_challenge(self, id: Uuid) -> Result<Option<Challenge>> {
        let row = mfa_challenges::Entity::find()
            .filter(self.this(id))
            .one(self.scope.database())
            .await?;
        row.map(Challenge::read).transpose()
    }

    /// Counts a try to meet a challenge, and answers it; `None` when there is none, its time is
    /// over, or there were `most` tries.
    pub async fn attempt_challenge(
        self,
        id: Uuid,
        most: u32,
        now: OffsetDateTime,
    ) -> Result<Option<Challenge>> {
        let attempts = (mfa_challenges::Entity, mfa_challenges::Column::Attempts);
        let done = mfa_challenges::Entity::update_many()
            .col_expr(mfa_challenges::Column::Attempts, Expr::col(attempts).add(1))
            .filter(self.this(id))
            .filter(mfa_challenges::Column::Attempts.lt(signed(most)))
            .filter(mfa_challenges::Column::ExpiresAt.gt(micros(now)))
            .exec(self.scope.database())
            .await?;
        if done.rows_affected == 0 {
            return Ok(None);
        }
        self.get_challenge(id).await
    }

    /// Puts the hash of a code that is about to be sent in the place of the last one, and counts
    /// it; `false` when there is no such challenge, its time is over, or `most` were sent.
    pub async fn send_code(
        self,
        id: Uuid,
        code: &Code,
        most: u32,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let sends = (mfa_challenges::Entity, mfa_challenges::Column::Sends);
        let done = mfa_challenges::Entity::update_many()
            .col_expr(mfa_challenges::Column::Sends, Expr::col(sends).add(1))
            .col_expr(
                mfa_challenges::Column::CodeMethod,
                Expr::val(code.method.name()),
            )
            .col_expr(
                mfa_challenges::Column::CodeHash,
                Expr::val(code.hash.clone()),
            )
            .col_expr(
                mfa_challenges::Column::CodeExpiresAt,
                Expr::val(micros(code.expires_at)),
            )
            .filter(self.this(id))
            .filter(mfa_challenges::Column::Sends.lt(signed(most)))
            .filter(mfa_challenges::Column::ExpiresAt.gt(micros(now)))
            .exec(self.scope.database())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Ends a challenge; `false` when it was ended before. It is met once.
    pub async fn end_challenge(self, id: Uuid) -> Result<bool> {
        let done = mfa_challenges::Entity::delete_many()
            .filter(self.this(id))
            .exec(self.scope.database())
            .await?;
        self.scope.touch();
        Ok(done.rows_affected > 0)
    }

    /// Forgets the challenges of a user: nobody meets what an old password opened.
    pub(crate) async fn forget_challenges(self, user: UserId) -> Result<()> {
        mfa_challenges::Entity::delete_many()
            .filter(mfa_challenges::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(mfa_challenges::Column::UserId.eq(user.uuid()))
            .exec(self.scope.database())
            .await?;
        Ok(())
    }

    pub(super) async fn prune_challenges(self, now: i64) -> Result<u64> {
        let done = mfa_challenges::Entity::delete_many()
            .filter(mfa_challenges::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .filter(mfa_challenges::Column::ExpiresAt.lte(now))
            .exec(self.scope.database())
            .await?;
        Ok(done.rows_affected)
    }

    fn this(self, id: Uuid) -> Condition {
        Condition::all()
            .add(mfa_challenges::Column::OrganizationId.eq(self.scope.organization_uuid()))
            .add(mfa_challenges::Column::Id.eq(id))
    }
}
