//! A passkey of one's own goes.

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_store::Scope;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::mfa::Factors;

/// Removes a passkey, and with the last factor everything that came with factors.
///
/// # Errors
/// `NOT_FOUND`, `FACTOR_REQUIRED`; what the store answers.
pub async fn remove(tx: &Scope, user: UserId, id: Uuid) -> Result<()> {
    let present = tx.mfa().passkeys(user).await?;
    if !present.iter().any(|passkey| passkey.id == id) {
        return Err(Error::not_found("passkey"));
    }
    if present.len() == 1 {
        let factors = Factors::of(tx, user).await?;
        factors.require_rest(Some(Method::Passkey))?;
    }
    tx.mfa().remove_passkey(user, id).await?;
    if !Factors::of(tx, user).await?.has_any() {
        tx.mfa().forget(user).await?;
    }
    Ok(())
}
