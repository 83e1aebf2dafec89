//! `ResetPassword`: somebody's password, set by an administrator; every session ends.

use std::sync::Arc;

use gatepost_core::Subject;
use gatepost_proto::identity::v1::{ResetPasswordRequest, ResetPasswordResponse};
use gatepost_store::PasswordHash;

use super::escalation::{Direction, require_not_above};
use super::find;
use crate::app::App;
use crate::context::{Caller, Cx};
use crate::error::Result;
use crate::password::NewPassword;

/// Hashes the password before the organization is locked.
pub async fn prepare(
    app: Arc<App>,
    caller: Caller,
    request: ResetPasswordRequest,
) -> Result<(String, PasswordHash)> {
    let tx = app.store.read(caller.organization()).await?;
    let user = find::user(&tx, &request.id).await?;
    let former = app.passwords.remembered(&tx, &user).await?;
    drop(tx);
    require_not_above(&caller, Subject::User(user.id), Direction::Gain)?;
    let new = NewPassword {
        password: &request.new_password,
        username: &user.username,
        email: user.email.as_deref().unwrap_or_default(),
        former,
    };
    let hash = app.passwords.accept(new).await?;
    Ok((request.id, hash))
}

/// Handles the RPC.
pub async fn reset_password(
    cx: &mut Cx,
    (id, hash): (String, PasswordHash),
) -> Result<ResetPasswordResponse> {
    let user = find::user(&cx.tx, &id).await?;
    let until = cx.app.sign_in.last_token_ends(cx.now);
    let former_max = cx.app.passwords.former_max();
    cx.tx
        .users()
        .set_password(user.id, hash, former_max, cx.now)
        .await?;
    cx.tx
        .sessions()
        .end_all_of_user(user.id, None, cx.now, until)
        .await?;
    cx.audit.target("user", user.id);
    Ok(ResetPasswordResponse {})
}
