//! `UpdatePassword`: one's own password; the other sessions end.

use std::sync::Arc;

use gatepost_core::SessionId;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{UpdatePasswordRequest, UpdatePasswordResponse};
use gatepost_store::{PasswordHash, User};

use crate::app::App;
use crate::attempts::Attempts;
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::password::NewPassword;

/// Checks the old password and hashes the new one before the organization is locked.
pub async fn prepare(
    app: Arc<App>,
    caller: Caller,
    request: UpdatePasswordRequest,
) -> Result<(User, PasswordHash)> {
    let oneself = caller.user().filter(|user| user.to_string() == request.id);
    let Some(id) = oneself else {
        return Err(Error::new(
            ErrorReason::NotOneself,
            "one changes one's own password only",
        ));
    };
    let tx = app.store.read(caller.organization()).await?;
    let user = tx
        .users()
        .get(id)
        .await?
        .ok_or_else(|| Error::not_found("user"))?;
    let former = app.passwords.remembered(&tx, &user).await?;
    drop(tx);
    let now = app.clock.now();
    let attempts = Attempts::begin_for_oneself(&app, id, now).await?;
    if !app
        .passwords
        .verify(&request.old_password, &user.password_hash)
        .await?
    {
        attempts.failed(&app, now).await?;
        return Err(wrong());
    }
    attempts.succeeded(&app).await?;
    let new = NewPassword {
        password: &request.new_password,
        username: &user.username,
        email: user.email.as_deref().unwrap_or_default(),
        former,
    };
    let hash = app.passwords.accept(new).await?;
    Ok((user, hash))
}

/// Handles the RPC.
pub async fn update_password(
    cx: &mut Cx,
    (checked, hash): (User, PasswordHash),
) -> Result<UpdatePasswordResponse> {
    let user = cx.tx.users().get(checked.id).await?.ok_or_else(wrong)?;
    if user.password_hash != checked.password_hash {
        return Err(wrong());
    }
    let present = SessionId::new(cx.caller.session());
    let until = cx.app.sign_in.last_token_ends(cx.now);
    let former_max = cx.app.passwords.former_max();
    cx.tx
        .users()
        .set_password(user.id, hash, former_max, cx.now)
        .await?;
    cx.tx
        .sessions()
        .end_all_of_user(user.id, Some(present), cx.now, until)
        .await?;
    cx.audit.target("user", user.id);
    Ok(UpdatePasswordResponse {})
}

fn wrong() -> Error {
    Error::new(ErrorReason::CredentialsInvalid, "wrong password")
}
