//! `DeleteUser`: a user goes, with everything that hangs on the account.

use gatepost_core::Subject;
use gatepost_proto::identity::v1::{DeleteUserRequest, DeleteUserResponse};

use super::escalation::{Direction, require_not_above};
use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn delete_user(cx: &mut Cx, request: DeleteUserRequest) -> Result<DeleteUserResponse> {
    let user = find::user(&cx.tx, &request.id).await?;
    require_not_above(&cx.caller, Subject::User(user.id), Direction::Loss)?;
    let id = user.id;
    let before = convert::user(&cx.tx, user).await?;
    cx.tx.users().delete(id).await?;
    cx.audit.target("user", id).before(&before);
    Ok(DeleteUserResponse {})
}
