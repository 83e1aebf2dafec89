//! `RevokeToken`: ends the session that a token belongs to, and with it every token of it
//! (RFC 7009).

use gatepost_core::{SessionId, Subject};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{RevokeTokenRequest, RevokeTokenResponse};
use gatepost_store::Scope;
use time::OffsetDateTime;

use crate::app::App;
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::token::RefreshToken;

/// Handles the RPC.
pub async fn revoke_token(cx: &mut Cx, request: RevokeTokenRequest) -> Result<RevokeTokenResponse> {
    let by = cx.caller.subject();
    if let Some(session) = revoke(&cx.app, &cx.tx, by, &request.token, cx.now).await? {
        cx.audit.target("session", session);
    }
    Ok(RevokeTokenResponse {})
}

/// Ends the session of a token, if it belongs to who asks: the application through which it was
/// bought, or the person. Answers which session ended. A token that is none of theirs, or that is
/// worth nothing already, is no error (RFC 7009 §2.2).
///
/// # Errors
/// `TOKEN_NOT_REVOCABLE` for the token of a machine; what the store answers.
pub async fn revoke(
    app: &App,
    tx: &Scope,
    by: Subject,
    token: &str,
    now: OffsetDateTime,
) -> Result<Option<SessionId>> {
    let Some(id) = named_session(app, tx, token).await? else {
        return Ok(None);
    };
    let Some(session) = tx.sessions().get(id).await? else {
        return Ok(None);
    };
    let is_theirs = match by {
        Subject::Application(application) => session.application == Some(application),
        Subject::User(user) => session.user == user,
    };
    if !is_theirs {
        return Ok(None);
    }
    let until = app.sign_in.last_token_ends(now);
    let ended = tx.sessions().end(id, now, until).await?;
    Ok(ended.then_some(id))
}

async fn named_session(app: &App, tx: &Scope, token: &str) -> Result<Option<SessionId>> {
    if let Some(presented) = RefreshToken::read(&app.sealer, token) {
        let is_here = presented.organization == tx.organization();
        return Ok(is_here.then_some(presented.session));
    }
    let ending = match app.gatekeeper.verifier.ending(token).await {
        Ok(ending) => ending,
        Err(error) if error.is_unavailable() => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    if ending.organization != tx.organization() {
        return Ok(None);
    }
    if ending.is_machine() {
        // Its session is the secret, which has an RPC of its own to revoke it.
        let message = "the token of a machine ends by itself, or with its secret";
        return Err(Error::new(ErrorReason::TokenNotRevocable, message));
    }
    Ok(Some(ending.session))
}
