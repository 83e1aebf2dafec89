//! A session begins: its row, its first refresh token, and the tokens that are signed for it.

use gatepost_core::SessionId;
use gatepost_store::{Application, Organization, Scope, Session, User};

use super::issue::{Issue, Issued, Told, for_person};
use crate::context::{Audit, Gate};
use crate::error::Result;
use crate::mfa;
use crate::token::RefreshToken;

/// Whose session, and how she proved who she is.
pub struct Start<'a> {
    /// Her organization.
    pub organization: &'a Organization,
    /// Her account.
    pub user: &'a User,
    /// Through which application, if through one.
    pub application: Option<&'a Application>,
    /// The scope that is given.
    pub scope: String,
    /// How she proved who she is (RFC 8176).
    pub methods: Vec<String>,
}

/// Writes the session with its first refresh token, commits, and signs the access token for the
/// revision that this made.
///
/// # Errors
/// What the store answers; `INTERNAL` when there is no key to sign with.
pub async fn start(gate: &mut Gate, tx: Scope, start: Start<'_>) -> Result<(Issued, String)> {
    let Start {
        organization,
        user,
        application,
        scope,
        methods,
    } = start;
    let lifetime = match application {
        Some(application) => gate.app.sign_in.lifetime(&application.settings),
        None => gate.app.sign_in.refresh_token,
    };
    let (id, expires_at) = (SessionId::new(gate.new_id()), gate.now + lifetime);
    let session = Session {
        application: application.map(|application| application.id),
        scope: scope.clone(),
        device: gate.arrival.device(),
        methods,
        ..Session::begun(id, user.id, gate.now, expires_at)
    };
    tx.sessions().insert(&session).await?;
    let refresh_token = RefreshToken {
        organization: organization.id,
        session: session.id,
        generation: session.generation,
    };
    let mut audit = Audit::new(mfa::actor(user), "session.start", gate.now, &gate.arrival);
    audit.target("session", session.id);
    let revision = gate.commit(tx, audit).await?;
    let issue = Issue {
        organization,
        revision,
        client: application,
        issuer: &gate.app.public_url,
        now: gate.now,
    };
    let told = Told {
        scope: &scope,
        resources: &[],
        nonce: "",
    };
    let issued = for_person(&gate.app, &issue, user, &session, told).await?;
    Ok((issued, refresh_token.write(&gate.app.sealer)))
}
