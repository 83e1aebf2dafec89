//! Second factors: who has which, what is asked of whom, and the challenges under way.

mod challenges;
mod factors;
mod passkeys;
mod policies;

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use time::OffsetDateTime;

pub use challenges::{Challenge, Code, Purpose};
pub use factors::{Factor, RememberedDevice};
pub use passkeys::Passkey;

use crate::error::{Result, StoreError};
use crate::scope::Scope;
use crate::times::micros;

/// The second factors of one organization.
#[derive(Debug, Clone, Copy)]
pub struct Mfa<'a> {
    scope: &'a Scope,
}

impl<'a> Mfa<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope }
    }

    /// Forgets all of a user's factors, passkeys among them, recovery codes, remembered devices and
    /// challenges.
    pub async fn forget(self, user: UserId) -> Result<()> {
        self.remove_factors(user, None).await?;
        self.set_recovery_codes(user, &[]).await?;
        self.forget_devices(user).await?;
        self.forget_challenges(user).await?;
        self.scope.touch();
        Ok(())
    }

    /// Removes challenges and remembered devices whose time is over.
    pub(crate) async fn prune(self, now: OffsetDateTime) -> Result<u64> {
        let now = micros(now);
        Ok(self.prune_challenges(now).await? + self.prune_devices(now).await?)
    }
}

/// The method of a row.
fn method(text: &str, table: &'static str, id: &str) -> Result<Method> {
    Method::parse(text).ok_or_else(|| StoreError::Corrupt {
        table,
        column: "method",
        id: id.to_owned(),
    })
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
