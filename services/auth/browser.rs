//! Browsers that are signed in: a session without an application, and a cookie that names it.
//!
//! Who somebody is was found out before ([`Proven`]); what follows from it is here, and the same
//! however she proved it.

use gatepost_core::mfa::AMR_TWO_FACTORS;
use gatepost_core::{OrganizationId, SessionId, Status, name};
use gatepost_store::{Organization, Scope, Session, User};
use time::OffsetDateTime;

use super::challenge::{Asked, Challenged, after_password};
use super::issue::require_active;
use super::issue_token::require_password_sign_in;
use super::passkey_sign_in::{PASSKEY_ONLY, Place, begin_attempts, enter};
use super::person::{Found, wrong};
use super::refresh_token::actor;
use super::verify_mfa::Met;
use crate::app::App;
use crate::attempts::{Attempts, KnownDevice, Visitor};
use crate::context::{Audit, Gate};
use crate::error::Result;
use crate::mfa::PASSWORD_ONLY;
use crate::passkey::{Bound, Shown};
use crate::token::BrowserToken;

/// Somebody who proved who she is, in the transaction in which she signs in.
pub struct Proven {
    /// The transaction, of her organization.
    pub tx: Scope,
    /// Her account.
    pub user: User,
    /// How she proved it (RFC 8176).
    pub methods: Vec<String>,
}

impl Proven {
    /// By name and password, in one organization; the same work and the same answer whether the
    /// name or the password is wrong.
    ///
    /// # Errors
    /// `CREDENTIALS_INVALID`, `USER_SUSPENDED`, `PASSWORD_SIGN_IN_OFF`, `TOO_MANY_ATTEMPTS`,
    /// `OVERLOADED`, or what the store answers.
    pub async fn by_password(
        gate: &mut Gate,
        place: &Organization,
        username: &str,
        password: &str,
        device: Option<KnownDevice>,
    ) -> Result<Self> {
        let (app, now) = (&gate.app, gate.now);
        let account = name::key(username);
        let visitor = Visitor {
            account: &account,
            client: None,
            address: gate.arrival.address,
            device,
        };
        let attempts = Attempts::begin_as(app, visitor, now).await?;
        let found = Found::of(app, &account, Some(place)).await?;
        let attempts = attempts
            .require_same(app, visitor, found.user(), now)
            .await?;
        let who = found.user();
        let proven = found.prove(app, password).await?;
        if proven.is_none() {
            attempts.failed(app, now).await?;
        }
        require_password_sign_in(place)?;
        let person = proven.ok_or_else(|| wrong().concerning(place.id, who))?;
        attempts.succeeded(app).await?;
        let (tx, user) = person.enter(app, password).await?;
        Ok(Self {
            tx,
            user,
            methods: PASSWORD_ONLY.map(str::to_owned).to_vec(),
        })
    }
}

impl Proven {
    /// Herself again, when the password is enough; else a challenge, for which nobody is signed in.
    /// `device_token` is what her device shows so as not to be asked; may be empty.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn complete(
        self,
        gate: &mut Gate,
        must_be_strong: bool,
        device_token: &str,
    ) -> Result<std::result::Result<Self, Challenged>> {
        let Self { tx, user, methods } = self;
        let organization = tx.organizations().own().await?;
        require_active(&organization)?;
        let asked = Asked {
            organization: &organization,
            user: &user,
            application: None,
            scope: "",
            device_token,
            must_be_strong,
        };
        let tx = after_password(gate, tx, asked).await?;
        Ok(tx.map(|tx| Self { tx, user, methods }))
    }
}

impl Proven {
    /// By what a passkey signed, in one organization: it says who she is, and is worth two factors.
    /// The attempts are forgotten once she is signed in.
    ///
    /// # Errors
    /// `PASSKEY_INVALID`, `PASSKEYS_UNAVAILABLE`, `USER_SUSPENDED`, `ORGANIZATION_SUSPENDED`,
    /// `TOO_MANY_ATTEMPTS`; what the store answers.
    pub async fn by_passkey(
        gate: &mut Gate,
        place: &Organization,
        bound: Bound<'_>,
        shown: Shown<'_>,
    ) -> Result<(Self, Attempts)> {
        let place = Place {
            organization: Some(place.id),
            client: None,
            bound,
        };
        let attempts = begin_attempts(gate, shown.credential, place).await?;
        let entered = enter(gate, &attempts, shown, place).await?;
        let proven = Self {
            tx: entered.tx,
            user: entered.user,
            methods: PASSKEY_ONLY.map(str::to_owned).to_vec(),
        };
        Ok((proven, attempts))
    }
}

impl From<Met> for Proven {
    fn from(met: Met) -> Self {
        Self {
            tx: met.standing.tx,
            user: met.standing.user,
            methods: met.methods,
        }
    }
}

/// A browser that somebody is signed in with.
pub struct Browser {
    /// Her organization.
    pub organization: Organization,
    /// Her account.
    pub user: User,
    /// The session.
    pub session: Session,
}

impl Browser {
    /// Signs somebody in: always with a new session and so a new cookie, whatever the browser had
    /// before. What she has open there goes on; what somebody else had, ends. Answers the cookie's
    /// value.
    ///
    /// # Errors
    /// `ORGANIZATION_SUSPENDED`; what the store answers.
    pub async fn begin(gate: &mut Gate, proven: Proven, before: Option<Self>) -> Result<String> {
        let Proven { tx, user, methods } = proven;
        require_active(&tx.organizations().own().await?)?;
        let id = SessionId::new(gate.new_id());
        let expires_at = gate.now + gate.app.sign_in.browser;
        let session = Session {
            device: gate.arrival.device(),
            methods,
            ..Session::begun(id, user.id, gate.now, expires_at)
        };
        tx.sessions().insert(&session).await?;
        if let Some(before) = before.map(|before| before.session) {
            if before.user == user.id {
                tx.sessions().hand_over(before.id, session.id).await?;
            }
            let until = gate.app.sign_in.last_token_ends(gate.now);
            tx.sessions().end(before.id, gate.now, until).await?;
        }
        let token = BrowserToken {
            organization: tx.organization(),
            session: session.id,
        };
        let mut audit = Audit::new(actor(&user), "session.start", gate.now, &gate.arrival);
        audit.target("session", session.id);
        gate.commit(tx, audit).await?;
        if session.methods.iter().any(|one| one == AMR_TWO_FACTORS) {
            Attempts::forget_for_factor(&gate.app, user.id).await?;
        }
        Ok(token.write(&gate.app.sealer))
    }

    /// Whose browser it is, by its cookie; nobody's when she signed out, was away for too long, or
    /// may not be here any more.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn recognize(
        app: &App,
        organization: OrganizationId,
        cookie: &str,
        now: OffsetDateTime,
    ) -> Result<Option<Self>> {
        let token = BrowserToken::read(&app.sealer, cookie);
        let Some(token) = token.filter(|token| token.organization == organization) else {
            return Ok(None);
        };
        let tx = app.store.read(organization).await?;
        let Some(standing) = tx.sessions().standing(token.session).await? else {
            return Ok(None);
        };
        let (session, user) = (standing.session, standing.user);
        let idle_at = session.last_seen_at + app.sign_in.browser_idle;
        let organization = tx.organizations().own().await?;
        let stands = session.ended_at.is_none()
            && session.expires_at.min(idle_at) > now
            && user.status == Status::Active
            && organization.status == Status::Active;
        Ok(stands.then_some(Self {
            organization,
            user,
            session,
        }))
    }

    /// Notes that it is used, at most once a minute.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn seen(&self, gate: &mut Gate) -> Result<()> {
        const REST: time::Duration = time::Duration::MINUTE;
        if self.session.last_seen_at + REST > gate.now {
            return Ok(());
        }
        let tx = gate.app.store.write(self.organization.id).await?;
        let device = gate.arrival.device();
        tx.sessions()
            .seen(self.session.id, gate.now, &device)
            .await?;
        let mut audit = Audit::new(actor(&self.user), "session.seen", gate.now, &gate.arrival);
        audit.target("session", self.session.id);
        gate.commit(tx, audit).await?;
        Ok(())
    }

    /// Signs out: the session ends, and everything that was begun in it.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn end(&self, gate: &mut Gate) -> Result<()> {
        end_session(gate, self.organization.id, &self.session).await
    }
}

/// Ends a session for its own person. Once more is no error.
///
/// # Errors
/// What the store answers.
pub async fn end_session(
    gate: &mut Gate,
    organization: OrganizationId,
    session: &Session,
) -> Result<()> {
    let tx = gate.app.store.write(organization).await?;
    let until = gate.app.sign_in.last_token_ends(gate.now);
    let Some(user) = tx.users().get(session.user).await? else {
        return Ok(());
    };
    tx.sessions().end(session.id, gate.now, until).await?;
    let mut audit = Audit::new(actor(&user), "session.end", gate.now, &gate.arrival);
    audit.target("session", session.id);
    gate.commit(tx, audit).await?;
    Ok(())
}
