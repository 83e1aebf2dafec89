//! Second factors of one's own: whose they are, and what it takes to change them.

use gatepost_core::UserId;
use gatepost_core::mfa::{ACR_TWO_FACTORS, acr_of};
use gatepost_proto::ErrorReason;
use time::OffsetDateTime;

use crate::app::App;
use crate::context::Caller;
use crate::error::{Error, Result};
use crate::mfa::Factors;

/// The caller, if the id is the caller's own. The user is never read from the request alone.
///
/// # Errors
/// `NOT_ONESELF`.
pub fn oneself(caller: &Caller, id: &str) -> Result<UserId> {
    let own = caller.user().filter(|user| user.to_string() == id);
    own.ok_or_else(|| {
        let message = "one changes one's own second factors only";
        Error::new(ErrorReason::NotOneself, message)
    })
}

/// Refuses whoever signed in too long ago: a token that was stolen lives on, and must not change
/// what its owner signs in with.
///
/// # Errors
/// `STRONGER_SIGN_IN_NEEDED`.
pub fn require_recent(app: &App, caller: &Caller, now: OffsetDateTime) -> Result<()> {
    let (most, claims) = (app.mfa.change_max_age, &caller.token.claims);
    let age =
        now - OffsetDateTime::from_unix_timestamp(claims.auth_time).map_err(Error::internal)?;
    if most.is_zero() || age <= most {
        return Ok(());
    }
    let message = "this needs a newer sign-in";
    let seconds = most.as_secs().to_string();
    Err(Error::new(ErrorReason::StrongerSignInNeeded, message)
        .with("acr", acr_of(&claims.amr))
        .with("max_age_seconds", seconds))
}

/// Refuses whoever has a factor and did not sign in with one.
///
/// # Errors
/// `STRONGER_SIGN_IN_NEEDED`.
pub fn require_two_factors(caller: &Caller, factors: &Factors) -> Result<()> {
    let is_strong = acr_of(&caller.token.claims.amr) == ACR_TWO_FACTORS;
    if is_strong || factors.methods().is_empty() {
        return Ok(());
    }
    let message = "this needs a sign-in with the second factor";
    Err(Error::new(ErrorReason::StrongerSignInNeeded, message).with("acr", ACR_TWO_FACTORS))
}
