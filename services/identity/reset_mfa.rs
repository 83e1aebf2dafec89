//! `ResetMfa`: an administrator removes somebody's second factors.

use gatepost_core::Subject;
use gatepost_proto::identity::v1::{ResetMfaRequest, ResetMfaResponse};

use super::escalation::{Direction, require_not_above};
use super::find;
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn reset_mfa(cx: &mut Cx, request: ResetMfaRequest) -> Result<ResetMfaResponse> {
    let user = find::user(&cx.tx, &request.id).await?;
    if cx.caller.user() == Some(user.id) {
        // That would be a way around the proof.
        let message = "one's own second factors are disabled, with a proof";
        return Err(Error::invalid("id", message));
    }
    // Whoever has the password then is let in with it alone.
    require_not_above(&cx.caller, Subject::User(user.id), Direction::Gain)?;
    cx.tx.mfa().forget(user.id).await?;
    cx.audit.target("user", user.id);
    Ok(ResetMfaResponse {})
}
