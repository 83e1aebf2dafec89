//! A person changes her password in her browser. Programs do it with `UpdatePassword`.

use std::sync::Arc;

use gatepost_core::SessionId;
use gatepost_proto::ErrorReason;
use gatepost_store::Scope;

use super::browser::Browser;
use super::refresh_token::actor;
use crate::attempts::Attempts;
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::password::NewPassword;

impl Browser {
    /// Sets another password for who knows the present one; all her other sessions end.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID` when the present one is another, `PASSWORD_REFUSED`,
    /// `TOO_MANY_ATTEMPTS`, `OVERLOADED`, or what the store answers.
    pub async fn change_password(&self, gate: &mut Gate, old: &str, new: &str) -> Result<()> {
        let app = Arc::clone(&gate.app);
        let attempts = Attempts::begin_for_oneself(&app, self.user.id, gate.now).await?;
        if !app.passwords.verify(old, &self.user.password_hash).await? {
            attempts.failed(&app, gate.now).await?;
            return Err(wrong());
        }
        attempts.succeeded(&app).await?;
        let tx = app.store.read(self.organization.id).await?;
        let former = app.passwords.remembered(&tx, &self.user).await?;
        drop(tx);
        let new = NewPassword {
            password: new,
            username: &self.user.username,
            email: self.user.email.as_deref().unwrap_or_default(),
            former,
        };
        let hash = app.passwords.accept(new).await?;
        let tx = app.store.write(self.organization.id).await?;
        let present = tx.users().get(self.user.id).await?.ok_or_else(wrong)?;
        if present.password_hash != self.user.password_hash {
            return Err(wrong());
        }
        let former_max = app.passwords.former_max();
        let users = tx.users();
        users
            .set_password(present.id, hash, former_max, gate.now)
            .await?;
        self.end_others(&tx, gate).await?;
        let action = "user.update_password";
        let mut audit = Audit::new(actor(&present), action, gate.now, &gate.arrival);
        audit.target("user", present.id);
        gate.commit(tx, audit).await?;
        Ok(())
    }

    async fn end_others(&self, tx: &Scope, gate: &Gate) -> Result<()> {
        let until = gate.app.sign_in.last_token_ends(gate.now);
        let kept: SessionId = self.session.id;
        let sessions = tx.sessions();
        sessions
            .end_all_of_user(self.user.id, Some(kept), gate.now, until)
            .await?;
        Ok(())
    }
}

fn wrong() -> Error {
    Error::new(ErrorReason::CredentialsInvalid, "wrong password")
}
