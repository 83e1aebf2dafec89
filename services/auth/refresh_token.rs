//! `RefreshToken`: a refresh token for the next pair.

use gatepost_core::session::Presented;
use gatepost_core::{SessionId, Status};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{RefreshTokenRequest, RefreshTokenResponse};
use gatepost_store::{Actor, ClientSettings, GrantType, Scope, Standing, User};

use super::client::Client;
use super::issue::{Issue, Issued, Told, Wish, for_person, narrowed, person_scope, require_active};
use crate::attempts::Volume;
use crate::context::{Audit, Gate, nobody};
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
        id => Some(Client::enter(gate, id, &request.client_secret).await?.0),
    };
    let issuer = gate.app.public_url.clone();
    let turn = Turn {
        token: &request.refresh_token,
        wish: Wish {
            scope: &request.scope,
            resources: &[],
        },
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
    /// What is asked for.
    pub wish: Wish<'a>,
    /// The client that presents it, if it proved itself.
    pub client: Option<&'a Client>,
    /// Who issues what it is turned into.
    pub issuer: &'a str,
}

/// Turns a refresh token into the next tokens of its session: an access token, and the next
/// refresh token.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`; `REFRESH_TOKEN_INVALID`; `GRANT_TYPE_REFUSED`; `RESOURCE_REFUSED`;
/// `ORGANIZATION_SUSPENDED`; what the store answers.
pub async fn refresh(gate: &mut Gate, turn: Turn<'_>) -> Result<(Issued, String)> {
    let presented = RefreshToken::read(&gate.app.sealer, turn.token);
    Volume::Refresh
        .require(&gate.app, gate.arrival.address, gate.now)
        .await
        .map_err(|error| match presented {
            Some(known) => error.concerning(known.organization, None),
            None => error,
        })?;
    let presented = presented.ok_or_else(invalid)?;
    let tx = gate.app.store.write(presented.organization).await?;
    let standing = standing(&tx, presented, turn.client).await?;
    let organization = &standing.organization;
    require_active(organization)?;
    let resources = permitted(&standing, turn.wish)?;
    let limits = gate.app.sign_in.rotation_of(standing.application.as_ref());
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
            end_stolen(gate, tx, presented.session, "session.reuse_detected").await?;
            return Err(invalid());
        }
    };
    let issue = Issue {
        organization,
        revision: gate.revision.unwrap_or_default(),
        client: standing.application.as_ref(),
        // As it was when the session began (OpenID Connect Core §12.2).
        issuer: match standing.session.issuer.as_str() {
            "" => turn.issuer,
            issuer => issuer,
        },
        now: gate.now,
    };
    let Standing { user, session, .. } = &standing;
    let scope = person_scope(turn.wish.scope, Some(&session.scope));
    let told = Told {
        scope: &scope,
        resources: &resources,
        nonce: "",
    };
    let issued = for_person(&gate.app, &issue, user, session, told).await?;
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
    let is_anothers = match presenter {
        Some(presenter) => Some(presenter.application.id) != client,
        // Whoever bought with a code says who it is each time (RFC 6749 §6); programs that took a
        // password never did.
        None => standing.session.within.is_some(),
    };
    if is_gone || is_anothers {
        return Err(invalid());
    }
    Ok(standing)
}

/// What the next tokens are for, if the application may have any.
fn permitted(standing: &Standing, wish: Wish<'_>) -> Result<Vec<String>> {
    let nothing = ClientSettings::default();
    let application = standing.application.as_ref();
    let settings = application.map_or(&nothing, |application| &application.settings);
    if !settings.allows(GrantType::RefreshToken) {
        let message = "the application may not use `refresh_token`";
        return Err(Error::new(ErrorReason::GrantTypeRefused, message));
    }
    narrowed(wish.resources, &standing.session.resources, settings)
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
pub(super) async fn end_stolen(
    gate: &mut Gate,
    tx: Scope,
    session: SessionId,
    event: &str,
) -> Result<()> {
    let until = gate.app.sign_in.last_token_ends(gate.now);
    if tx.sessions().end(session, gate.now, until).await? {
        let mut audit = Audit::new(nobody(), event, gate.now, &gate.arrival);
        audit.target("session", session);
        gate.commit(tx, audit).await?;
    }
    Ok(())
}

/// A person, for the audit log.
pub(super) fn actor(user: &User) -> Actor {
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
