//! `RefreshToken`: a refresh token for the next pair.

use gatepost_core::Status;
use gatepost_core::session::Presented;
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{RefreshTokenRequest, RefreshTokenResponse};
use gatepost_store::{Actor, Organization, Scope, Standing, User};

use super::issue::{Client, Issue, for_person, person_scope, require_active};
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::token::RefreshToken;

/// Handles the RPC.
pub async fn refresh_token(
    gate: &mut Gate,
    request: RefreshTokenRequest,
) -> Result<RefreshTokenResponse> {
    if !matches!(request.grant_type.as_str(), "" | "refresh_token") {
        let message = "`grantType` must be `refresh_token` here";
        return Err(Error::new(ErrorReason::GrantTypeUnsupported, message));
    }
    let presented =
        RefreshToken::read(&gate.app.sealer, &request.refresh_token).ok_or_else(invalid)?;
    if !request.client_id.is_empty() {
        let client = Client::prove(&gate.app, &request.client_id, &request.client_secret).await?;
        if client.organization.id != presented.organization {
            return Err(invalid());
        }
    }
    let tx = gate.app.store.write(presented.organization).await?;
    let standing = standing(&tx, presented, &request.client_id).await?;
    let organization = tx.organizations().own().await?;
    require_active(&organization)?;
    let limits = gate.app.sign_in.rotation;
    let worth = standing
        .session
        .judge(presented.generation, gate.now, limits);
    match worth {
        Presented::Rotate => rotate(gate, tx, presented, &standing).await?,
        // Nothing changes: it was used before, and its answer may have been lost.
        Presented::Repeat => {
            gate.revision = Some(tx.revision());
            drop(tx);
        }
        Presented::Expired => return Err(invalid()),
        Presented::Reused => {
            end_stolen_session(gate, tx, presented).await?;
            return Err(invalid());
        }
    }
    let next = presented.successor().write(&gate.app.sealer);
    respond(gate, &organization, &standing, next, &request.scope).await
}

/// The session and what it stands on, if all of that still stands.
async fn standing(tx: &Scope, presented: RefreshToken, client_id: &str) -> Result<Standing> {
    let standing = tx.sessions().standing(presented.session).await?;
    let standing = standing
        .filter(|standing| standing.session.ended_at.is_none())
        .filter(|standing| standing.user.status == Status::Active)
        .ok_or_else(invalid)?;
    // The application that signed the person in may be gone: so is what it was given.
    let client = standing.application.as_ref();
    let is_gone = standing.session.application.is_some() && client.is_none();
    let same = client.is_some_and(|client| client.client_id == client_id);
    if is_gone || (!client_id.is_empty() && !same) {
        return Err(invalid());
    }
    Ok(standing)
}

async fn rotate(
    gate: &mut Gate,
    tx: Scope,
    presented: RefreshToken,
    standing: &Standing,
) -> Result<()> {
    let device = gate.arrival.device();
    let sessions = tx.sessions();
    let (session, generation) = (presented.session, presented.generation);
    if !sessions
        .rotate(session, generation, gate.now, &device)
        .await?
    {
        return Err(invalid());
    }
    let actor = actor(&standing.user);
    let mut audit = Audit::new(actor, "session.refresh", gate.now, &gate.arrival);
    audit.target("session", presented.session);
    gate.commit(tx, audit).await?;
    Ok(())
}

/// A refresh token that comes back was stolen, or its successor was: the session ends, and every
/// token of it.
async fn end_stolen_session(gate: &mut Gate, tx: Scope, presented: RefreshToken) -> Result<()> {
    let until = gate.app.sign_in.last_token_ends(gate.now);
    if tx
        .sessions()
        .end(presented.session, gate.now, until)
        .await?
    {
        let nobody = Actor {
            kind: "anonymous".into(),
            id: String::new(),
            name: String::new(),
        };
        let mut audit = Audit::new(nobody, "session.reuse_detected", gate.now, &gate.arrival);
        audit.target("session", presented.session);
        gate.commit(tx, audit).await?;
    }
    Ok(())
}

async fn respond(
    gate: &Gate,
    organization: &Organization,
    standing: &Standing,
    refresh_token: String,
    scope: &str,
) -> Result<RefreshTokenResponse> {
    let issue = Issue {
        organization,
        revision: gate.revision.unwrap_or_default(),
        client: standing.application.as_ref(),
        now: gate.now,
    };
    let Standing { user, session, .. } = standing;
    let scope = person_scope(scope, Some(&session.scope));
    let issued = for_person(&gate.app, &issue, user, session, scope).await?;
    Ok(RefreshTokenResponse {
        access_token: issued.access_token,
        expires_in: issued.expires_in,
        refresh_token: Some(refresh_token),
        token_type: "Bearer".to_owned(),
        id_token: issued.id_token,
        scope: issued.scope,
    })
}

fn actor(user: &User) -> Actor {
    Actor {
        kind: "user".into(),
        id: user.id.to_string(),
        name: user.username.clone(),
    }
}

fn invalid() -> Error {
    let message = "the refresh token is unknown, expired, used or revoked";
    Error::new(ErrorReason::RefreshTokenInvalid, message)
}
