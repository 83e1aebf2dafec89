//! `ResetForgottenPassword`: a new password for who comes with the link that was mailed.

use gatepost_core::Status;
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{ResetForgottenPasswordRequest, ResetForgottenPasswordResponse};
use gatepost_store::{PasswordHash, Scope, StoreError, User};

use super::forgot_password::require_on;
use super::issue::require_active;
use super::letters::{self, Language};
use super::refresh_token::actor;
use crate::attempts::Volume;
use crate::context::{Audit, Gate, nobody};
use crate::error::{Error, Result};
use crate::password::NewPassword;
use crate::token::{ResetToken, Written};

/// Handles the RPC.
pub async fn reset_forgotten_password(
    gate: &mut Gate,
    request: ResetForgottenPasswordRequest,
) -> Result<ResetForgottenPasswordResponse> {
    let language = Language::of(&request.language);
    reset_by_link(gate, &request.token, &request.new_password, language).await?;
    Ok(ResetForgottenPasswordResponse {})
}

/// Sets the password of who comes with the token of a link. It is hashed before the organization is
/// locked; inside, the link must still fit, so of two at the same time one is refused.
///
/// # Errors
/// `SWITCHED_OFF`, `RESET_TOKEN_INVALID`, `PASSWORD_REFUSED`, `TOO_MANY_ATTEMPTS`, `OVERLOADED`,
/// `ORGANIZATION_SUSPENDED`, or what the store answers.
pub async fn reset_by_link(
    gate: &mut Gate,
    token: &str,
    password: &str,
    language: Language,
) -> Result<()> {
    require_on(&gate.app)?;
    Volume::Forgotten
        .require(&gate.app, gate.arrival.address, gate.now)
        .await?;
    let written = ResetToken::read(&gate.app.sealer, token).ok_or_else(invalid)?;
    let hash = accept(gate, &written, password).await?;
    let tx = gate.app.store.write(written.token.organization).await?;
    let Some(user) = standing(gate, &tx, &written).await? else {
        return refuse(gate, tx, &written).await;
    };
    let former_max = gate.app.passwords.former_max();
    let users = tx.users();
    users
        .set_password(user.id, hash, former_max, gate.now)
        .await?;
    let until = gate.app.sign_in.last_token_ends(gate.now);
    let sessions = tx.sessions();
    sessions
        .end_all_of_user(user.id, None, gate.now, until)
        .await?;
    let action = "user.reset_forgotten_password";
    let mut audit = Audit::new(actor(&user), action, gate.now, &gate.arrival);
    audit.target("user", user.id);
    gate.commit(tx, audit).await?;
    if let Some(to) = user.email {
        let letter = letters::password_was_set(to, language);
        let told = gate
            .app
            .delivery
            .enqueue(written.token.organization, None, letter);
        if let Err(error) = told {
            tracing::warn!(%error, "nobody was told by mail that a password was set");
        }
    }
    Ok(())
}

/// Whether a link is still good, for whoever is about to use it.
///
/// # Errors
/// What the store answers.
pub async fn is_good(gate: &Gate, token: &str) -> Result<bool> {
    let Some(written) = ResetToken::read(&gate.app.sealer, token) else {
        return Ok(false);
    };
    let tx = match gate.app.store.read(written.token.organization).await {
        Ok(tx) => tx,
        Err(StoreError::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(standing(gate, &tx, &written).await?.is_some())
}

/// The hash of the new password, if the link is good and the policy accepts it.
async fn accept(gate: &mut Gate, written: &Written, password: &str) -> Result<PasswordHash> {
    let tx = match gate.app.store.read(written.token.organization).await {
        Ok(tx) => tx,
        Err(StoreError::NotFound { .. }) => return Err(invalid()),
        Err(error) => return Err(error.into()),
    };
    require_active(&tx.organizations().own().await?)?;
    let Some(user) = standing(gate, &tx, written).await? else {
        drop(tx);
        let tx = gate.app.store.write(written.token.organization).await?;
        return refuse(gate, tx, written).await;
    };
    let former = gate.app.passwords.remembered(&tx, &user).await?;
    drop(tx);
    let new = NewPassword {
        password,
        username: &user.username,
        email: user.email.as_deref().unwrap_or_default(),
        former,
    };
    gate.app.passwords.accept(new).await
}

/// Whose link it is, if it is still good.
async fn standing(gate: &Gate, tx: &Scope, written: &Written) -> Result<Option<User>> {
    if written.token.until_s <= gate.now.unix_timestamp() {
        return Ok(None);
    }
    let user = tx.users().get(written.token.user).await?;
    Ok(user.filter(|user| user.status == Status::Active && written.fits(&gate.app.sealer, user)))
}

/// A link of ours that is not good any more: somebody may have found it in a mailbox.
async fn refuse<T>(gate: &mut Gate, tx: Scope, written: &Written) -> Result<T> {
    tx.touch();
    let mut audit = Audit::new(nobody(), "user.reset_refused", gate.now, &gate.arrival);
    audit.target("user", written.token.user);
    gate.commit(tx, audit).await?;
    Err(invalid())
}

fn invalid() -> Error {
    let message = "the link was used, is too old, or is none of ours; ask for another one";
    Error::new(ErrorReason::ResetTokenInvalid, message)
}
