//! Whether somebody has the second factor: what is presented against what is known.

use gatepost_core::mfa::{AMR_CODE, Method};
use gatepost_core::{OrganizationId, UserId};
use gatepost_store::{Actor, Code, Factor, Scope};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use super::codes::{about_challenge, code_hash, recovery_hash};
use super::{Factors, purpose, totp};
use crate::app::App;
use crate::attempts::Attempts;
use crate::context::{Arrival, Audit};
use crate::error::Result;
use crate::passkey::{Refusal, Shown};

/// What somebody shows.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// Of which factor the passcode is; `None` for any.
    pub method: Option<Method>,
    /// The passcode; may be empty.
    pub passcode: &'a str,
    /// A recovery code instead; empty without.
    pub recovery_code: &'a str,
    /// What a passkey signed, or what was made of one, instead.
    pub passkey: Option<Shown<'a>>,
}

/// What it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is right, and used up. So is called what was used (RFC 8176 §2).
    Right(&'static str),
    /// It is wrong.
    Wrong,
    /// It was right, and was used before.
    Replayed,
    /// It is of a passkey, and this is wrong with it.
    Refused(Refusal),
}

impl Verdict {
    /// What the audit log says of one that is not right.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Right(_) => "",
            Self::Wrong => "MFA_CODE_INVALID",
            Self::Replayed => "MFA_CODE_REPLAYED",
            Self::Refused(refusal) => refusal.reason(),
        }
    }
}

/// Somebody who was refused for want of the second factor.
pub struct Refused {
    /// Where.
    pub organization: OrganizationId,
    /// Who, for the log.
    pub actor: Actor,
    /// Whose factor it was.
    pub user: UserId,
    /// Why.
    pub reason: &'static str,
}

impl Refused {
    /// Tells the audit log.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn tell(self, app: &App, now: OffsetDateTime, arrival: &Arrival) -> Result<()> {
        let tx = app.store.write(self.organization).await?;
        let mut audit = Audit::new(self.actor, "mfa.refuse", now, arrival);
        audit.target("user", self.user).refused(self.reason);
        tx.touch();
        app.commit(tx, audit).await?;
        Ok(())
    }
}

/// Judges what is presented and uses it up, both in this transaction. `sent` is the code that was
/// sent, and what its hash is bound to.
///
/// # Errors
/// What the store answers; `INTERNAL` when a secret cannot be opened.
pub async fn check(
    app: &App,
    (tx, user): (&Scope, UserId),
    factors: &Factors,
    sent: Option<(&Code, &str)>,
    presented: Presented<'_>,
    now: OffsetDateTime,
) -> Result<Verdict> {
    if !presented.recovery_code.is_empty() {
        let hash = recovery_hash(&app.sealer, user, presented.recovery_code);
        let is_right = factors.has_any() && tx.mfa().use_recovery_code(user, &hash).await?;
        return Ok(if is_right {
            Verdict::Right(AMR_CODE)
        } else {
            Verdict::Wrong
        });
    }
    let may_be = |method| presented.method.is_none_or(|asked| asked == method);
    let app_factor = factors.active(Method::App).filter(|_| may_be(Method::App));
    if let Some(factor) = app_factor {
        let verdict = check_app(app, tx, factor, presented.passcode, now).await?;
        if verdict != Verdict::Wrong {
            return Ok(verdict);
        }
    }
    let Some((code, about)) = sent else {
        return Ok(Verdict::Wrong);
    };
    let counts = may_be(code.method) && factors.active(code.method).is_some();
    let hash = code_hash(&app.sealer, about, presented.passcode);
    if counts && is_good(&code.hash, code.expires_at, &hash, now) {
        return Ok(Verdict::Right(code.method.amr()));
    }
    Ok(Verdict::Wrong)
}

/// Judges the first passcode of a factor that was set up.
///
/// # Errors
/// What the store answers; `INTERNAL` when a secret cannot be opened.
pub async fn check_pending(
    app: &App,
    tx: &Scope,
    factor: &Factor,
    passcode: &str,
    now: OffsetDateTime,
) -> Result<Verdict> {
    if factor.method == Method::App {
        return check_app(app, tx, factor, passcode, now).await;
    }
    let about = about_pending(factor.user, factor.method);
    let hash = code_hash(&app.sealer, &about, passcode);
    let is_right = factor
        .code
        .as_ref()
        .is_some_and(|(stored, until)| is_good(stored, *until, &hash, now));
    Ok(if is_right {
        Verdict::Right(factor.method.amr())
    } else {
        Verdict::Wrong
    })
}

/// Judges a proof that somebody signed in gives to change her own factors: counted, and used up,
/// whatever comes of the change.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`; what the store answers.
pub async fn prove(
    app: &App,
    organization: OrganizationId,
    user: UserId,
    presented: Presented<'_>,
    now: OffsetDateTime,
) -> Result<Verdict> {
    let attempts = Attempts::begin_for_factor(app, user, now).await?;
    let tx = app.store.write(organization).await?;
    let factors = Factors::of(&tx, user).await?;
    // The challenge of somebody signed in has her own id: there is one at a time.
    let id = user.uuid();
    let challenge = tx
        .mfa()
        .attempt_challenge(id, app.mfa.attempts, now)
        .await?;
    let code = challenge.as_ref().and_then(|known| known.code.as_ref());
    let about = about_challenge(id);
    let sent = code.map(|code| (code, about.as_str()));
    let verdict = check(app, (&tx, user), &factors, sent, presented, now).await?;
    if matches!(verdict, Verdict::Right(_)) {
        tx.mfa().end_challenge(id).await?;
    }
    tx.finish().await?;
    match verdict {
        Verdict::Right(_) => attempts.succeeded(app).await?,
        Verdict::Wrong | Verdict::Replayed | Verdict::Refused(_) => {
            attempts.failed(app, now).await?;
        }
    }
    Ok(verdict)
}

/// What the hash of a pending factor's code is bound to.
pub fn about_pending(user: UserId, method: Method) -> String {
    purpose("pending factor", user, method)
}

async fn check_app(
    app: &App,
    tx: &Scope,
    factor: &Factor,
    passcode: &str,
    now: OffsetDateTime,
) -> Result<Verdict> {
    let step = totp::step(&app.sealer, factor.user, &factor.sealed, passcode, now)?;
    let Some(step) = step else {
        return Ok(Verdict::Wrong);
    };
    let is_unused = tx.mfa().use_step(factor.user, factor.pending, step).await?;
    Ok(if is_unused {
        Verdict::Right(AMR_CODE)
    } else {
        Verdict::Replayed
    })
}

fn is_good(stored: &[u8], until: OffsetDateTime, hash: &[u8], now: OffsetDateTime) -> bool {
    now < until && bool::from(stored.ct_eq(hash))
}
