//! Codes on their way: by e-mail or SMS, to where the factor says.

use std::time::Duration;

use gatepost_core::mfa::Method;
use gatepost_core::{ApplicationId, OrganizationId, UserId};
use gatepost_proto::ErrorReason;
use gatepost_store::{Challenge, Code, Factor, Purpose, Scope};
use time::OffsetDateTime;

use super::codes::{about_challenge, code_hash, new_code};
use super::{Factors, purpose};
use crate::app::App;
use crate::delivery::Message;
use crate::error::{Error, Result};
use crate::seal::{SealError, Sealer};

/// Codes that one account is sent in a quarter of an hour: nobody is flooded, and nobody's bill is run
/// up, by somebody who knows a password.
const CODES_MAX: u64 = 12;
const CODES_WINDOW: Duration = Duration::from_mins(15);

/// Somebody's address or number.
struct Target {
    method: Method,
    to: String,
}

/// Sends a code with which somebody signed in proves who she is; answers what to say.
///
/// # Errors
/// `FACTOR_UNAVAILABLE`, `TOO_MANY_ATTEMPTS`; what the delivery answers.
pub async fn send_proof(
    app: &App,
    organization: OrganizationId,
    user: UserId,
    method: Method,
    now: OffsetDateTime,
) -> Result<String> {
    let tx = app.store.write(organization).await?;
    let id = user.uuid();
    let known = tx.mfa().get_challenge(id).await?;
    let challenge = match known {
        Some(known) if known.expires_at > now => known,
        over => {
            if over.is_some() {
                tx.mfa().end_challenge(id).await?;
            }
            let new = Challenge {
                id,
                user,
                application: None,
                purpose: Purpose::Proof,
                scope: String::new(),
                created_at: now,
                expires_at: now + app.mfa.challenge,
                attempts: 0,
                sends: 0,
                code: None,
            };
            tx.mfa().challenge(&new).await?;
            new
        }
    };
    send_code(app, tx, &challenge, method, now).await
}

/// Sends a code for a challenge, in the transaction in which it stands; answers what to say.
///
/// # Errors
/// `FACTOR_UNAVAILABLE`, `TOO_MANY_ATTEMPTS`; what the delivery answers.
pub async fn send_code(
    app: &App,
    tx: Scope,
    challenge: &Challenge,
    method: Method,
    now: OffsetDateTime,
) -> Result<String> {
    let factors = Factors::of(&tx, challenge.user).await?;
    let factor = factors.active(method).ok_or_else(unavailable)?;
    let target = Target::open(&app.sealer, factor)?;
    let code = new_code()?;
    let sent = Code {
        method,
        hash: code_hash(&app.sealer, &about_challenge(challenge.id), &code),
        expires_at: now + app.mfa.code,
    };
    let counted = tx
        .mfa()
        .send_code(challenge.id, &sent, app.mfa.sends, now)
        .await?;
    if !counted {
        return Err(too_many(challenge.expires_at, now));
    }
    let name = tx.organizations().own().await?.name;
    let organization = tx.organization();
    tx.finish().await?;
    require_few(app, challenge.user, now).await?;
    let sender = (organization, challenge.application);
    deliver(app, sender, &target, &name, &code).await?;
    Ok(target.said())
}

/// Refuses to send somebody more codes than anybody needs, whatever they are for: a challenge counts
/// its own, and whoever knows a password makes as many challenges as there are sign-ins.
async fn require_few(app: &App, user: UserId, now: OffsetDateTime) -> Result<()> {
    let key = format!("codes:{user}");
    match app.cache.count(&key, CODES_WINDOW, now).await {
        Ok(count) if count > CODES_MAX => Err(too_many(now + CODES_WINDOW, now)),
        _ => Ok(()),
    }
}

/// Sends a code to where a factor that is being set up says.
///
/// # Errors
/// What the delivery answers.
pub(super) async fn deliver_first(
    app: &App,
    sender: (OrganizationId, Option<ApplicationId>),
    method: Method,
    to: &str,
    name: &str,
    code: &str,
) -> Result<()> {
    let target = Target {
        method,
        to: to.to_owned(),
    };
    deliver(app, sender, &target, name, code).await
}

async fn deliver(
    app: &App,
    (organization, application): (OrganizationId, Option<ApplicationId>),
    target: &Target,
    name: &str,
    code: &str,
) -> Result<()> {
    let minutes = app.mfa.code.as_secs().div_ceil(60);
    let to = target.to.clone();
    let text = format!("{code} is your code for {name}. It is good for {minutes} minutes, once.");
    let message = match target.method {
        Method::Sms => Message::Sms { to, text },
        Method::Passkey | Method::App | Method::Email => Message::Mail {
            to,
            subject: format!("{code} is your code"),
            text: format!(
                "{text}\n\nIf you did not ask for it, somebody may know your password: change it."
            ),
        },
    };
    app.delivery.send(organization, application, message).await
}

/// Seals an address or number for one person.
///
/// # Errors
/// When the system has no randomness.
pub(super) fn seal(
    sealer: &Sealer,
    user: UserId,
    method: Method,
    to: &str,
) -> Result<Vec<u8>, SealError> {
    sealer.seal(&purpose("second factor", user, method), to.as_bytes())
}

/// There is no such factor.
pub(super) fn unavailable() -> Error {
    let message = "there is no such second factor, or it does not count here";
    Error::new(ErrorReason::FactorUnavailable, message)
}

/// Enough codes were sent.
pub(super) fn too_many(until: OffsetDateTime, now: OffsetDateTime) -> Error {
    let wait_s = (until - now).whole_seconds().max(1);
    Error::new(ErrorReason::TooManyAttempts, "enough codes were sent")
        .with("retry_after_seconds", wait_s.to_string())
}

impl Target {
    fn open(sealer: &Sealer, factor: &Factor) -> Result<Self> {
        let Factor { method, user, .. } = *factor;
        if matches!(method, Method::App | Method::Passkey) {
            return Err(unavailable());
        }
        let plain = sealer.open(&purpose("second factor", user, method), &factor.sealed)?;
        let to = String::from_utf8(plain.to_vec()).map_err(Error::internal)?;
        Ok(Self { method, to })
    }

    /// Tells where to, as far as whoever knows the password may see it.
    fn said(&self) -> String {
        if let Some((name, domain)) = self.to.split_once('@') {
            let first: String = name.chars().take(1).collect();
            return format!("a code is on its way to {first}…@{domain}");
        }
        let skipped = self.to.chars().count().saturating_sub(2);
        let last: String = self.to.chars().skip(skipped).collect();
        format!("a code is on its way to the number that ends in {last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_is_hinted_and_no_more() {
        let said = |method, to: &str| {
            let to = to.to_owned();
            Target { method, to }.said()
        };
        let mail = said(Method::Email, "alice@example.com");
        assert_eq!(mail, "a code is on its way to a…@example.com");
        let number = said(Method::Sms, "+5511912345678");
        assert_eq!(number, "a code is on its way to the number that ends in 78");
    }
}
