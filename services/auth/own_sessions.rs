//! A person looks at her sessions in her browser, and ends them. Programs do it with `ListSessions`
//! and `EndSession`.

use std::collections::BTreeMap;

use gatepost_core::SessionId;
use gatepost_store::Session;

use super::browser::Browser;
use super::refresh_token::actor;
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};

/// How many sessions are shown; all others can be ended, shown or not.
const SHOWN_MAX: u64 = 50;

/// One of her sessions.
pub struct OwnSession {
    /// The session.
    pub session: Session,
    /// The name of the application through which it began; empty without one.
    pub application: String,
    /// Whether it is of this very browser, or within it.
    pub is_here: bool,
}

impl Browser {
    /// Her sessions that have neither ended nor expired, the newest first.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn sessions(&self, gate: &Gate) -> Result<Vec<OwnSession>> {
        let tx = gate.app.store.read(self.organization.id).await?;
        let newest = tx.sessions().newest(self.user.id, gate.now, SHOWN_MAX);
        let newest = newest.await?;
        let ids: Vec<SessionId> = newest.iter().map(|session| session.id).collect();
        let named = tx.sessions().with_applications(&ids).await?;
        let mut names: BTreeMap<SessionId, String> = named
            .into_iter()
            .map(|(session, application)| (session.id, application.name))
            .collect();
        let shown = newest.into_iter().map(|session| OwnSession {
            application: names.remove(&session.id).unwrap_or_default(),
            is_here: self.holds(&session),
            session,
        });
        Ok(shown.collect())
    }

    /// Ends one of her sessions. Once more is no error.
    ///
    /// # Errors
    /// `NOT_FOUND` when it is not hers; what the store answers.
    pub async fn end_own(&self, gate: &mut Gate, id: SessionId) -> Result<()> {
        let tx = gate.app.store.write(self.organization.id).await?;
        let found = tx.sessions().get(id).await?;
        let found = found.filter(|session| session.user == self.user.id);
        let session = found.ok_or_else(|| Error::not_found("session"))?;
        let until = gate.app.sign_in.last_token_ends(gate.now);
        tx.sessions().end(session.id, gate.now, until).await?;
        let mut audit = Audit::new(actor(&self.user), "session.end", gate.now, &gate.arrival);
        audit.target("session", session.id);
        gate.commit(tx, audit).await?;
        Ok(())
    }

    /// Ends all of her sessions but this one and those within it.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn end_elsewhere(&self, gate: &mut Gate) -> Result<()> {
        let tx = gate.app.store.write(self.organization.id).await?;
        let until = gate.app.sign_in.last_token_ends(gate.now);
        let (user, here) = (self.user.id, self.session.id);
        let sessions = tx.sessions();
        sessions.end_elsewhere(user, here, gate.now, until).await?;
        let action = "session.end_others";
        let mut audit = Audit::new(actor(&self.user), action, gate.now, &gate.arrival);
        audit.target("user", user);
        gate.commit(tx, audit).await?;
        Ok(())
    }

    fn holds(&self, session: &Session) -> bool {
        session.id == self.session.id || session.within == Some(self.session.id)
    }
}
