//! `Logout`: ends one session, the bearer's or the hint's.

use gatepost_core::{OrganizationId, SessionId};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{LogoutRequest, LogoutResponse};
use gatepost_replica::Want;
use gatepost_store::{Actor, Session};

use crate::context::{Audit, Gate};
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn logout(gate: &mut Gate, request: LogoutRequest) -> Result<LogoutResponse> {
    let (organization, session) = named_session(gate, &request).await?;
    let tx = gate.app.store.write(organization).await?;
    let Some(session) = tx.sessions().get(session).await? else {
        // A machine's session is its credential, which a logout does not revoke.
        return Err(Error::new(
            ErrorReason::TokenInvalid,
            "the token has no session to end",
        ));
    };
    let until = gate.app.sign_in.last_token_ends(gate.now);
    tx.sessions().end(session.id, gate.now, until).await?;
    let name = tx
        .users()
        .get(session.user)
        .await?
        .map(|user| user.username);
    let mut audit = Audit::new(
        actor(&session, name),
        "session.end",
        gate.now,
        &gate.arrival,
    );
    audit.target("session", session.id);
    gate.commit(tx, audit).await?;
    Ok(LogoutResponse {})
}

async fn named_session(
    gate: &Gate,
    request: &LogoutRequest,
) -> Result<(OrganizationId, SessionId)> {
    if !request.id_token_hint.is_empty() {
        let verifier = &gate.app.gatekeeper.verifier;
        let ending = verifier.ending(&request.id_token_hint).await?;
        return Ok((ending.organization, ending.session));
    }
    let Some(bearer) = &gate.bearer else {
        return Err(Error::new(
            ErrorReason::TokenMissing,
            "this call needs a token",
        ));
    };
    let gatekeeper = &gate.app.gatekeeper;
    let caller = gatekeeper.authenticate(bearer, Want::default()).await?;
    Ok((caller.organization(), SessionId::new(caller.session())))
}

fn actor(session: &Session, name: Option<String>) -> Actor {
    let name = name.unwrap_or_default();
    Actor {
        kind: "user".into(),
        id: session.user.to_string(),
        name,
    }
}
