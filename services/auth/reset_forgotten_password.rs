//! `ResetForgottenPassword`: a new password for who comes with the link that was mailed.

use gatepost_core::Status;
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{ResetForgottenPasswordRequest, ResetForgottenPasswordResponse};
use gatepost_store::{Actor, PasswordHash, Scope, User};

use super::forgot_password::require_on;
use super::issue::require_active;
use super::letters::{self, Language};
use crate::attempts::Volume;
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::password::NewPassword;
use crate::token::{ResetToken, Written};

/// Handles the RPC. The password is hashed before the organization is locked; inside, the link must
/// still fit, so of two at the same time one is refused.
pub async fn reset_forgotten_password(
    gate: &mut Gate,
    request: ResetForgottenPasswordRequest,
) -> Result<ResetForgottenPasswordResponse> {
    require_on(&gate.app)?;
    Volume::Forgotten
        .require(&gate.app, gate.arrival.address, gate.now)
        .await?;
    let written = ResetToken::read(&gate.app.sealer, &request.token).ok_or_else(invalid)?;
    let hash = accept(gate, &written, &request.new_password).await?;
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
    let actor = Actor {
        kind: "user".into(),
        id: user.id.to_string(),
        name: user.username.clone(),
    };
    let action = "user.reset_forgotten_password";
    let mut audit = Audit::new(actor, action, gate.now, &gate.arrival);
    audit.target("user", user.id);
    gate.commit(tx, audit).await?;
    if let Some(to) = user.email {
        let letter = letters::password_was_set(to, Language::of(&request.language));
        let told = gate
            .app
            .delivery
            .enqueue(written.token.organization, None, letter);
        if let Err(error) = told {
            tracing::warn!(%error, "nobody was told by mail that a password was set");
        }
    }
    Ok(ResetForgottenPasswordResponse {})
}

/// The hash of the new password, if the link is good and the policy accepts it.
async fn accept(gate: &mut Gate, written: &Written, password: &str) -> Result<PasswordHash> {
    let tx = match gate.app.store.read(written.token.organization).await {
        Ok(tx) => tx,
        Err(error) => return Err(gone_or(error.into())),
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
    let nobody = Actor {
        kind: "anonymous".into(),
        id: String::new(),
        name: String::new(),
    };
    tx.touch();
    let mut audit = Audit::new(nobody, "user.reset_refused", gate.now, &gate.arrival);
    audit.target("user", written.token.user);
    gate.commit(tx, audit).await?;
    Err(invalid())
}

fn gone_or(error: Error) -> Error {
    if error.reason() == ErrorReason::NotFound {
        return invalid();
    }
    error
}

fn invalid() -> Error {
    let message = "the link was used, is too old, or is none of ours; ask for another one";
    Error::new(ErrorReason::ResetTokenInvalid, message)
}
