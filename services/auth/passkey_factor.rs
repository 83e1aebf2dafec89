//! A passkey as second factor: asked for by a challenge, or made because it must be.

use gatepost_core::mfa::{AMR_KEY, Method};
use gatepost_proto::ErrorReason;
use gatepost_store::{Challenge, Purpose};

use super::challenge::{Standing, read};
use crate::context::Gate;
use crate::error::{Error, Result};
use crate::mfa::{Factors, MfaToken, Verdict, challenge_over};
use crate::passkey::{
    self, Assertion, Begun, Bound, Refusal, Registration, Shown, begin_assertion,
    begin_registration, check, finish_registration, keep, shown_to, take,
};

/// Asks for a passkey of who was challenged.
///
/// # Errors
/// `MFA_TOKEN_INVALID`, `FACTOR_UNAVAILABLE`, `PASSKEYS_UNAVAILABLE`; what the store answers.
pub async fn ask(gate: &Gate, token: MfaToken) -> Result<Begun> {
    let tx = gate.app.store.read(token.organization).await?;
    let challenge = tx.mfa().get_challenge(token.challenge).await?;
    let challenge = challenge
        .filter(|one| one.purpose == Purpose::SignIn && one.expires_at > gate.now)
        .ok_or_else(challenge_over)?;
    let factors = Factors::of(&tx, challenge.user).await?;
    if factors.active(Method::Passkey).is_none() {
        let message = "there is no passkey, or it does not count here";
        return Err(Error::new(ErrorReason::FactorUnavailable, message));
    }
    let allowed = shown_to(&gate.app, &tx, challenge.user).await?;
    begin_assertion(&gate.app, Bound::Factor(challenge.id), allowed, gate.now)
}

/// What a page offers to who was challenged.
pub enum Offer {
    /// To use a passkey.
    Use(Begun),
    /// To make the first one.
    Make(Begun),
}

/// What to offer to who was challenged: nothing where there is no passkey, or where none counts.
///
/// # Errors
/// What the store answers.
pub async fn offer(gate: &Gate, token: &str) -> Result<Option<Offer>> {
    const NOTHING: [ErrorReason; 4] = [
        ErrorReason::FactorUnavailable,
        ErrorReason::LimitReached,
        ErrorReason::MfaTokenInvalid,
        ErrorReason::PasskeysUnavailable,
    ];
    let offered = match read(gate, token) {
        Ok(token) => offer_for(gate, token).await,
        Err(error) => Err(error),
    };
    match offered {
        Ok(offer) => Ok(Some(offer)),
        Err(error) if NOTHING.contains(&error.reason()) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn offer_for(gate: &Gate, token: MfaToken) -> Result<Offer> {
    let tx = gate.app.store.read(token.organization).await?;
    let challenge = tx.mfa().get_challenge(token.challenge).await?;
    let enrolment = challenge.filter(|one| one.purpose == Purpose::Enrol);
    let Some(challenge) = enrolment.filter(|one| one.expires_at > gate.now) else {
        drop(tx);
        return Ok(Offer::Use(ask(gate, token).await?));
    };
    let user = tx.users().get(challenge.user).await?;
    let user = user.ok_or_else(challenge_over)?;
    let organization = tx.organizations().own().await?;
    let factors = Factors::of(&tx, user.id).await?;
    let bound = Bound::Enrolment(challenge.id);
    let whose = (&organization, &user);
    let begun = begin_registration(&gate.app, &tx, whose, &factors, bound, gate.now).await?;
    Ok(Offer::Make(begun))
}

/// What came for a challenge, opened and used up.
pub enum Taken<'a> {
    /// A passkey signed it.
    Used(std::result::Result<Assertion, Refusal>, Shown<'a>),
    /// A passkey was made of it.
    Made(std::result::Result<Registration, Refusal>, Shown<'a>),
}

/// Opens what came. Before the transaction in which the challenge is met: it has one of its own.
///
/// # Errors
/// What the store answers.
pub async fn open<'a>(gate: &Gate, challenge: &Challenge, shown: Shown<'a>) -> Result<Taken<'a>> {
    let (app, now) = (&gate.app, gate.now);
    Ok(if challenge.purpose == Purpose::Enrol {
        let bound = Bound::Enrolment(challenge.id);
        Taken::Made(take(app, bound, shown.ceremony, now).await?, shown)
    } else {
        let bound = Bound::Factor(challenge.id);
        Taken::Used(take(app, bound, shown.ceremony, now).await?, shown)
    })
}

/// Judges what came, in the transaction in which the challenge is met.
///
/// # Errors
/// `PASSKEYS_UNAVAILABLE`, `LIMIT_REACHED`, `NAME_TAKEN`; what the store answers.
pub async fn judge(gate: &Gate, standing: &Standing, taken: Taken<'_>) -> Result<Verdict> {
    let Standing {
        tx, user, factors, ..
    } = standing;
    let (app, now) = (&gate.app, gate.now);
    let refusal = match taken {
        Taken::Used(Err(refusal), _) | Taken::Made(Err(refusal), _) => Some(refusal),
        Taken::Used(Ok(state), shown) => match passkey::read(shown.credential) {
            None => Some(Refusal::Wrong),
            Some(signed) => check(app, (tx, user.id), factors, (state, &signed), now)
                .await?
                .err(),
        },
        Taken::Made(Ok(_), _) if !factors.policy.allows(Method::Passkey) => {
            Some(Refusal::Uncounted)
        }
        Taken::Made(Ok(state), shown) => {
            match finish_registration(app, user, &state, (shown, ""), now)? {
                Err(refusal) => Some(refusal),
                Ok(made) => {
                    keep(tx, &made).await?;
                    None
                }
            }
        }
    };
    Ok(refusal.map_or(Verdict::Right(AMR_KEY), Verdict::Refused))
}
