//! The grant `authorization_code`: a code for the tokens of a new session (RFC 6749 §4.1.3).

use gatepost_core::Status;
use gatepost_proto::ErrorReason;
use gatepost_store::{GrantType, Organization, Scope, Session, User};

use super::client::Client;
use super::issue::{Issue, Issued, Told, for_person, narrowed, require_active};
use super::refresh_token::{actor, end_stolen};
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::token::{Code, RefreshToken};

/// A code that is presented.
pub struct Redemption<'a> {
    /// The code.
    pub code: &'a str,
    /// The verifier of its challenge; empty without.
    pub verifier: &'a str,
    /// Where the browser was sent with it.
    pub redirect_uri: &'a str,
    /// What the tokens are to be for; empty for all that was agreed.
    pub resources: &'a [String],
    /// Who presents it.
    pub client: &'a Client,
    /// At whose issuer.
    pub issuer: &'a str,
}

/// Makes the session of a code; answers its tokens, the refresh token if the application may have
/// one.
///
/// # Errors
/// `CODE_INVALID`; `GRANT_TYPE_REFUSED`; `RESOURCE_REFUSED`; what the store answers.
pub async fn redeem(
    gate: &mut Gate,
    redemption: Redemption<'_>,
) -> Result<(Issued, Option<String>)> {
    let Redemption { client, issuer, .. } = redemption;
    client.require(GrantType::AuthorizationCode)?;
    let code = Code::read(&gate.app.sealer, redemption.code).ok_or_else(invalid)?;
    let is_theirs = code.organization == client.organization.id
        && code.application == client.application.id
        && code.issuer == issuer;
    if !is_theirs {
        return Err(invalid());
    }
    let tx = gate.app.store.write(code.organization).await?;
    if tx.sessions().get(code.session).await?.is_some() {
        // Somebody has a copy of the code: what was bought with it ends (RFC 9700 §4.5.3).
        end_stolen(gate, tx, code.session, "code.reuse_detected").await?;
        return Err(invalid());
    }
    let is_late = code.until <= gate.now.unix_timestamp();
    let fits = code.redirect_uri == redemption.redirect_uri && code.fits(redemption.verifier);
    if is_late || !fits {
        return Err(invalid());
    }
    let (organization, user, browser) = standing(&tx, &code, gate).await?;
    let settings = &client.application.settings;
    let expires_at = gate.now + gate.app.sign_in.lifetime(settings);
    let session = Session {
        application: Some(client.application.id),
        within: Some(browser.id),
        resources: narrowed(redemption.resources, &code.resources, settings)?,
        scope: code.scope,
        device: browser.device,
        methods: browser.methods,
        signed_in_at: browser.signed_in_at,
        claims: code.claims,
        issuer: code.issuer,
        ..Session::begun(code.session, user.id, gate.now, expires_at)
    };
    tx.sessions().insert(&session).await?;
    let mut audit = Audit::new(actor(&user), "session.start", gate.now, &gate.arrival);
    audit.target("session", session.id);
    let revision = gate.commit(tx, audit).await?;
    let issue = Issue {
        organization: &organization,
        revision,
        client: Some(&client.application),
        issuer,
        now: gate.now,
    };
    let told = Told {
        scope: &session.scope,
        resources: &session.resources,
        nonce: &code.nonce,
    };
    let issued = for_person(&gate.app, &issue, &user, &session, told).await?;
    let next = RefreshToken {
        organization: organization.id,
        session: session.id,
        generation: session.generation,
    };
    let may_refresh = settings.allows(GrantType::RefreshToken);
    let next = may_refresh.then(|| next.write(&gate.app.sealer));
    Ok((issued, next))
}

/// Who it is for, and the browser's session, if all of it still stands: who signed out meanwhile is
/// not signed in by what is under way.
async fn standing(tx: &Scope, code: &Code, gate: &Gate) -> Result<(Organization, User, Session)> {
    let organization = tx.organizations().own().await?;
    require_active(&organization)?;
    let standing = tx.sessions().standing(code.within).await?;
    let standing = standing
        .filter(|standing| standing.session.ended_at.is_none())
        .filter(|standing| standing.session.expires_at > gate.now)
        .filter(|standing| standing.user.status == Status::Active)
        .ok_or_else(invalid)?;
    Ok((organization, standing.user, standing.session))
}

fn invalid() -> Error {
    let message = "the code is unknown, expired, used, or of another request";
    Error::new(ErrorReason::CodeInvalid, message)
}
