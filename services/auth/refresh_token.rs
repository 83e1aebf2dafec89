//! `RefreshToken`: a refresh token, once, for the next pair.

use gatepost_core::{OrganizationId, SessionId, Status};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{RefreshTokenRequest, RefreshTokenResponse};
use gatepost_store::{Actor, Application, RefreshToken, Scope, Session, User};

use super::issue::{Client, Issue, for_person, person_scope, require_active};
use super::issue_token::{new_refresh_token, refresh_row};
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::seal::REFRESH_TOKEN;

/// Handles the RPC.
pub async fn refresh_token(
    gate: &mut Gate,
    request: RefreshTokenRequest,
) -> Result<RefreshTokenResponse> {
    if !matches!(request.grant_type.as_str(), "" | "refresh_token") {
        let message = "`grantType` must be `refresh_token` here";
        return Err(Error::new(ErrorReason::GrantTypeUnsupported, message));
    }
    let hash = gate.app.sealer.hash(REFRESH_TOKEN, &request.refresh_token);
    let found = gate.app.store.sign_in().await?.refresh_token(&hash).await?;
    let (organization, presented) = found.ok_or_else(invalid)?;
    if presented.used_at.is_some() {
        end_stolen_session(gate, organization, presented.session).await?;
        return Err(invalid());
    }
    if !request.client_id.is_empty() {
        let client = Client::prove(&gate.app, &request.client_id, &request.client_secret).await?;
        if client.organization.id != organization {
            return Err(invalid());
        }
    }
    rotate(gate, organization, &hash, &request).await
}

async fn rotate(
    gate: &mut Gate,
    organization: OrganizationId,
    hash: &[u8],
    request: &RefreshTokenRequest,
) -> Result<RefreshTokenResponse> {
    let tx = gate.app.store.write(organization).await?;
    let claimed = tx
        .refresh_tokens()
        .claim(hash, gate.now)
        .await?
        .ok_or_else(invalid)?;
    let (session, user, client) = standing(gate, &tx, &claimed, &request.client_id).await?;
    let organization = tx.organizations().own().await?;
    require_active(&organization)?;
    let scope = person_scope(&request.scope, Some(&claimed.scope));
    let next = new_refresh_token()?;
    tx.refresh_tokens()
        .insert(&refresh_row(gate, &session, &next, &scope))
        .await?;
    let mut audit = Audit::new(actor(&user), "session.refresh", gate.now, &gate.arrival);
    audit.target("session", session.id);
    let revision = gate.commit(tx, audit).await?;
    let issue = Issue {
        organization: &organization,
        revision,
        client: client.as_ref(),
        now: gate.now,
    };
    let issued = for_person(&gate.app, &issue, &user, &session, scope).await?;
    Ok(RefreshTokenResponse {
        access_token: issued.access_token,
        expires_in: issued.expires_in,
        refresh_token: Some(next),
        token_type: "Bearer".to_owned(),
        id_token: issued.id_token,
        scope: issued.scope,
    })
}

/// The session, its person and its client, if all of them still stand.
async fn standing(
    gate: &Gate,
    tx: &Scope,
    claimed: &RefreshToken,
    client_id: &str,
) -> Result<(Session, User, Option<Application>)> {
    let session = tx.sessions().get(claimed.session).await?;
    let alive = |session: &Session| session.ended_at.is_none() && session.expires_at > gate.now;
    let session = session.filter(alive).ok_or_else(invalid)?;
    let user = tx.users().get(session.user).await?;
    let user = user
        .filter(|user| user.status == Status::Active)
        .ok_or_else(invalid)?;
    let client = match session.application {
        None => None,
        // The application that signed the person in is gone: so is what it was given.
        Some(id) => Some(tx.applications().get(id).await?.ok_or_else(invalid)?),
    };
    let same = client
        .as_ref()
        .is_some_and(|client| client.client_id == client_id);
    if !client_id.is_empty() && !same {
        return Err(invalid());
    }
    Ok((session, user, client))
}

/// A refresh token that comes back was stolen, or its successor was: the session ends, and every
/// token of it.
async fn end_stolen_session(
    gate: &mut Gate,
    organization: OrganizationId,
    session: SessionId,
) -> Result<()> {
    let tx = gate.app.store.write(organization).await?;
    let until = gate.app.sign_in.last_token_ends(gate.now);
    if tx.sessions().end(session, gate.now, until).await? {
        let nobody = Actor {
            kind: "anonymous".into(),
            id: String::new(),
            name: String::new(),
        };
        let mut audit = Audit::new(nobody, "session.reuse_detected", gate.now, &gate.arrival);
        audit.target("session", session);
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
