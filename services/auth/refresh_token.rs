//! `RefreshToken`: a refresh token for the next pair.

use gatepost_core::Status;
use gatepost_core::session::Presented;
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{RefreshTokenRequest, RefreshTokenResponse};
use gatepost_store::{Actor, Scope, Standing, User};

use super::client::Client;
use super::issue::{Issue, Issued, for_person, person_scope, require_active};
use crate::attempts::Volume;
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
    let client = match request.client_id.as_str() {
        "" => None,
        id => Some(Client::prove(&gate.app, id, &request.client_secret).await?),
    };
    let issuer = gate.app.public_url.clone();
    let turn = Turn {
        token: &request.refresh_token,
        scope: &request.scope,
        client: client.as_deref(),
        issuer: &issuer,
    };
    let (issued, next) = refresh(gate, turn).await?;
    Ok(RefreshTokenResponse {
        access_token: issued.access_token,
        expires_in: issued.expires_in,
        refresh_token: Some(next),
        token_type: "Bearer".to_owned(),
        id_token: issued.id_token,
        scope: issued.scope,
    })
}

/// A refresh token that is presented.
pub struct Turn<'a> {
    /// The token.
    pub token: &'a str,
    /// The scope that is asked for; empty for the session's.
    pub scope: &'a str,
    /// The client that presents it, if it proved itself.
    pub client: Option<&'a Client>,
    /// Who issues what it is turned into.
    pub issuer: &'a str,
}

/// Turns a refresh token into the next tokens of its session: an access token, and the next
/// refresh token.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`, `REFRESH_TOKEN_INVALID`; `ORGANIZATION_SUSPENDED`; what the store answers.
pub async fn refresh(gate: &mut Gate, turn: Turn<'_>) -> Result<(Issued, String)> {
    Volume::Refresh
        .require(&gate.app, gate.arrival.address, gate.now)
        .await?;
    let presented = RefreshToken::read(&gate.app.sealer, turn.token).ok_or_else(invalid)?;
    let tx = gate.app.store.write(presented.organization).await?;
    let standing = standing(&tx, presented, turn.client).await?;
    let organization = tx.organizations().own().await?;
    require_active(&organization)?;
    let limits = gate.app.sign_in.rotation;
    let worth = standing
        .session
        .judge(presented.generation, gate.now, limits);
    let next = match worth {
        Presented::Rotate => rotate(gate, tx, presented, &standing).await?,
        // Nothing changes: it was used before, and its answer may have been lost.
        Presented::Repeat => {
            gate.revision = Some(tx.revision());
            presented.successor()
        }
        Presented::Expired => return Err(invalid()),
        Presented::Reused => {
            end_stolen_session(gate, tx, presented).await?;
            return Err(invalid());
        }
    };
    let issue = Issue {
        organization: &organization,
        revision: gate.revision.unwrap_or_default(),
        client: standing.application.as_ref(),
        issuer: turn.issuer,
        now: gate.now,
    };
    let Standing { user, session, .. } = &standing;
    let scope = person_scope(turn.scope, Some(&session.scope));
    let issued = for_person(&gate.app, &issue, user, session, scope).await?;
    Ok((issued, next.write(&gate.app.sealer)))
}

/// The session and what it stands on, if all of that still stands.
async fn standing(
    tx: &Scope,
    presented: RefreshToken,
    presenter: Option<&Client>,
) -> Result<Standing> {
    let standing = tx.sessions().standing(presented.session).await?;
    let standing = standing
        .filter(|standing| standing.session.ended_at.is_none())
        .filter(|standing| standing.user.status == Status::Active)
        .ok_or_else(invalid)?;
    // The application that signed the person in may be gone: so is what it was given. And what was
    // given to one is nothing to another.
    let client = standing.application.as_ref().map(|client| client.id);
    let is_gone = standing.session.application != client;
    let is_anothers = presenter.is_some_and(|presenter| Some(presenter.application.id) != client);
    if is_gone || is_anothers {
        return Err(invalid());
    }
    Ok(standing)
}

async fn rotate(
    gate: &mut Gate,
    tx: Scope,
    presented: RefreshToken,
    standing: &Standing,
) -> Result<RefreshToken> {
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
    Ok(presented.successor())
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
