//! A factor is set up: it waits, sealed, for the passcode that proves it.

use gatepost_core::mfa::Method;
use gatepost_core::{ApplicationId, UserId};
use gatepost_store::{Factor, Scope, User};
use time::OffsetDateTime;

use super::codes::{code_hash, new_code, new_recovery_codes};
use super::proof::about_pending;
use super::send::{deliver_first, seal, too_many, unavailable};
use super::{Factors, totp};
use crate::app::App;
use crate::error::{Error, Result};

/// Which factor somebody wants.
pub struct Wish<'a> {
    /// Of which kind.
    pub method: Method,
    /// The number, of SMS.
    pub phone: &'a str,
    /// Through which application she asks, if through one.
    pub application: Option<ApplicationId>,
}

/// What she is told, once.
#[derive(Default)]
pub struct SetUp {
    /// The secret of an app, in base 32.
    pub secret: String,
    /// The address that apps read from a QR code.
    pub url: String,
    /// The recovery codes, with the first factor.
    pub recovery_codes: Vec<String>,
    /// Whether a factor of this kind counts already.
    pub enabled: bool,
    /// The ceremony of a passkey.
    pub ceremony: String,
    /// What the browser makes a passkey from.
    pub options: String,
}

/// Keeps a new factor that waits to be proved, and sends the code that proves it. The transaction
/// ends here: nothing is sent while an organization is locked.
///
/// # Errors
/// `FACTOR_UNAVAILABLE`, `INVALID_REQUEST`, `TOO_MANY_ATTEMPTS`; what the delivery answers.
pub async fn set_up(
    app: &App,
    tx: Scope,
    user: &User,
    wish: Wish<'_>,
    now: OffsetDateTime,
) -> Result<SetUp> {
    let factors = Factors::of(&tx, user.id).await?;
    if !factors.policy.allows(wish.method) {
        return Err(unavailable());
    }
    let name = tx.organizations().own().await?.name;
    let mut told = SetUp {
        enabled: factors.active(wish.method).is_some(),
        ..SetUp::default()
    };
    let mut factor = Factor {
        user: user.id,
        method: wish.method,
        pending: true,
        sealed: Vec::new(),
        created_at: now,
        preferred_at: None,
        code: None,
        attempts: 0,
        sends: 0,
    };
    let mut code = None;
    if wish.method == Method::App {
        let secret = totp::new_secret()?;
        factor.sealed = totp::seal(&app.sealer, user.id, secret.as_ref())?;
        (told.secret, told.url) = totp::shown(secret.as_ref(), &user.username, &name)?;
    } else {
        let to = target(user, &wish)?;
        count(app, &factors, &mut factor, now)?;
        let first = new_code()?;
        let about = about_pending(user.id, wish.method);
        let until = now + app.mfa.code;
        factor.code = Some((code_hash(&app.sealer, &about, &first), until));
        factor.sealed = seal(&app.sealer, user.id, wish.method, &to)?;
        code = Some((to, first));
    }
    tx.mfa().put(&factor).await?;
    told.recovery_codes = first_recovery_codes(app, &tx, user.id, &factors).await?;
    let sender = (tx.organization(), wish.application);
    tx.finish().await?;
    if let Some((to, code)) = code {
        deliver_first(app, sender, wish.method, &to, &name, &code).await?;
    }
    Ok(told)
}

/// Makes the recovery codes that come with a first factor; none for who has a factor.
///
/// # Errors
/// What the store answers; when the system has no randomness.
pub async fn first_recovery_codes(
    app: &App,
    tx: &Scope,
    user: UserId,
    factors: &Factors,
) -> Result<Vec<String>> {
    if factors.has_any() {
        return Ok(Vec::new());
    }
    let (codes, hashes) = new_recovery_codes(&app.sealer, user)?;
    tx.mfa().set_recovery_codes(user, &hashes).await?;
    Ok(codes)
}

/// Setting up sends messages, so it cannot be done at will. The first of a row says when the row
/// began.
fn count(app: &App, factors: &Factors, factor: &mut Factor, now: OffsetDateTime) -> Result<()> {
    factor.sends = 1;
    let window = app.mfa.enrolment;
    let before = factors
        .pending(factor.method)
        .filter(|before| before.created_at + window > now);
    if let Some(before) = before {
        if before.sends >= app.mfa.sends {
            return Err(too_many(before.created_at + window, now));
        }
        factor.sends = before.sends.saturating_add(1);
        factor.created_at = before.created_at;
    }
    Ok(())
}

/// Where codes are to go.
fn target(user: &User, wish: &Wish<'_>) -> Result<String> {
    match wish.method {
        Method::Sms => {
            let digits = wish.phone.strip_prefix('+').unwrap_or_default();
            let is_number = (8..=15).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0');
            if !is_number {
                let message = "a number has its country, as in `+5511912345678`";
                return Err(Error::invalid("phone", message));
            }
            Ok(wish.phone.to_owned())
        }
        Method::Email => user.email.clone().ok_or_else(unavailable),
        // Nothing is sent to either.
        Method::App | Method::Passkey => Err(unavailable()),
    }
}
