//! `EndSession`: a signed-in device is signed out, by its user or by an administrator.

use gatepost_core::{SessionId, Subject};
use gatepost_proto::identity::v1::{EndSessionRequest, EndSessionResponse};

use super::convert;
use super::escalation::{Direction, require_not_above};
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn end_session(cx: &mut Cx, request: EndSessionRequest) -> Result<EndSessionResponse> {
    let session = match request.id.parse() {
        Ok(id) => cx.tx.sessions().get(id).await?,
        Err(_) => None,
    };
    let own = |user| cx.caller.user() == Some(user);
    // Whoever may not end it does not learn whether it is there.
    if !session.as_ref().is_some_and(|session| own(session.user)) {
        cx.caller.require("gatepost", "sessions", "delete")?;
    }
    let session = session.ok_or_else(|| Error::not_found("session"))?;
    require_not_above(&cx.caller, Subject::User(session.user), Direction::Loss)?;
    let until = cx.app.sign_in.last_token_ends(cx.now);
    cx.tx.sessions().end(session.id, cx.now, until).await?;
    let present = SessionId::new(cx.caller.session());
    cx.audit
        .target("session", session.id)
        .before(&convert::session(&session, present));
    Ok(EndSessionResponse {})
}
