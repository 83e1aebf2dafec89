//! The challenge between a password and its session: made after the one, met before the other.

use gatepost_core::mfa::Method;
use gatepost_core::{ApplicationId, Status};
use gatepost_proto::ErrorReason;
use gatepost_store::{
    Application, Challenge, Organization, Purpose, RememberedDevice, Scope, User,
};

use super::issue::require_active;
use super::issue_token::require_password_sign_in;
use crate::context::{Audit, Gate};
use crate::error::{Error, Result};
use crate::mfa::{
    self, Factors, MfaToken, Need, challenge_over, device_hash, new_device_token, wrong_code,
};
use crate::passkey::{self, Refusal};

/// What somebody with the right password is told instead of a token.
pub struct Challenged {
    /// Names the challenge.
    pub token: String,
    /// The methods that count; to enrol, those that may be chosen.
    pub methods: Vec<Method>,
    /// Whether a first factor has to be set up.
    pub must_enrol: bool,
    /// Seconds until it is over.
    pub expires_in: i32,
}

/// Who signs in, and through what.
pub struct Asked<'a> {
    /// Her organization.
    pub organization: &'a Organization,
    /// Her account.
    pub user: &'a User,
    /// Through which application, if through one.
    pub application: Option<ApplicationId>,
    /// The scope that is to be given.
    pub scope: &'a str,
    /// What her device shows so as not to be asked; may be empty.
    pub device_token: &'a str,
    /// Whether two factors are asked for, whatever the policy.
    pub must_be_strong: bool,
}

/// What the right password is worth in this transaction: the transaction again, in which a session
/// may begin, or a challenge, which was committed.
///
/// # Errors
/// What the store answers.
pub async fn after_password(
    gate: &mut Gate,
    tx: Scope,
    asked: Asked<'_>,
) -> Result<std::result::Result<Scope, Challenged>> {
    let factors = Factors::of(&tx, asked.user.id).await?;
    let is_remembered = !asked.device_token.is_empty() && {
        let hash = device_hash(&gate.app.sealer, asked.user.id, asked.device_token);
        let user = asked.user.id;
        tx.mfa().is_remembered(user, &hash, gate.now).await?
    };
    let must_enrol = match factors.need(is_remembered, asked.must_be_strong) {
        Need::Nothing => return Ok(Ok(tx)),
        Need::Factor => false,
        Need::Enrolment => true,
    };
    let (purpose, lasts) = if must_enrol {
        (Purpose::Enrol, gate.app.mfa.enrolment)
    } else {
        (Purpose::SignIn, gate.app.mfa.challenge)
    };
    let challenge = Challenge {
        id: gate.new_id(),
        user: asked.user.id,
        application: asked.application,
        purpose,
        scope: asked.scope.to_owned(),
        created_at: gate.now,
        expires_at: gate.now + lasts,
        attempts: 0,
        sends: 0,
        code: None,
    };
    tx.mfa().challenge(&challenge).await?;
    let actor = mfa::actor(asked.user);
    let mut audit = Audit::new(actor, "mfa.challenge", gate.now, &gate.arrival);
    audit.target("user", asked.user.id);
    gate.commit(tx, audit).await?;
    let token = MfaToken {
        organization: asked.organization.id,
        challenge: challenge.id,
    };
    Ok(Err(Challenged {
        token: token.write(&gate.app.sealer),
        methods: if must_enrol {
            factors.policy.methods
        } else {
            factors.methods()
        },
        must_enrol,
        expires_in: i32::try_from(lasts.as_secs()).unwrap_or(i32::MAX),
    }))
}

/// A challenge with all that it stands on, in the transaction in which it may be met.
pub struct Standing {
    /// The transaction.
    pub tx: Scope,
    /// The organization.
    pub organization: Organization,
    /// Who was challenged.
    pub user: User,
    /// Through which application, if through one.
    pub application: Option<Application>,
    /// What she has.
    pub factors: Factors,
}

/// Begins the transaction in which a challenge may be met, if all that it stands on still stands.
///
/// # Errors
/// `MFA_TOKEN_INVALID`, `USER_SUSPENDED`, `ORGANIZATION_SUSPENDED`, `PASSWORD_SIGN_IN_OFF`; what the
/// store answers.
pub async fn enter(gate: &Gate, token: MfaToken, challenge: &Challenge) -> Result<Standing> {
    let tx = gate.app.store.write(token.organization).await?;
    let organization = tx.organizations().own().await?;
    require_active(&organization)?;
    require_password_sign_in(&organization)?;
    let user = tx.users().get(challenge.user).await?;
    let user = user.ok_or_else(challenge_over)?;
    if user.status == Status::Suspended {
        let message = "the user is suspended";
        return Err(Error::new(ErrorReason::UserSuspended, message));
    }
    let application = match challenge.application {
        None => None,
        Some(id) => {
            let found = tx.applications().get(id).await?;
            let found = found.filter(|one| one.status == Status::Active);
            Some(found.ok_or_else(challenge_over)?)
        }
    };
    let factors = Factors::of(&tx, user.id).await?;
    // Whoever has a factor by now is not let in, nor given another one, by a challenge for those
    // who have none.
    if challenge.purpose == Purpose::Enrol && !factors.methods().is_empty() {
        return Err(challenge_over());
    }
    Ok(Standing {
        tx,
        organization,
        user,
        application,
        factors,
    })
}

/// Reads the token of a challenge.
///
/// # Errors
/// `MFA_TOKEN_INVALID` if we did not write it.
pub fn read(gate: &Gate, token: &str) -> Result<MfaToken> {
    MfaToken::read(&gate.app.sealer, token).ok_or_else(challenge_over)
}

/// Why a challenge was not met, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The code is wrong.
    Wrong,
    /// The code was used before.
    Replayed,
    /// Too late, or too often.
    Over,
    /// This is wrong with the passkey.
    Passkey(Refusal),
}

/// Tells the audit log of somebody who knows the password and did not meet the challenge; the
/// answer is the error for her.
///
/// # Errors
/// What the store answers.
pub async fn refuse(
    gate: &mut Gate,
    token: MfaToken,
    challenge: &Challenge,
    failure: Failure,
) -> Result<Error> {
    let tx = gate.app.store.write(token.organization).await?;
    let Some(user) = tx.users().get(challenge.user).await? else {
        return Ok(challenge_over());
    };
    let (reason, error) = match failure {
        Failure::Wrong => ("MFA_CODE_INVALID", wrong_code()),
        Failure::Replayed => ("MFA_CODE_REPLAYED", wrong_code()),
        Failure::Over => ("MFA_TOKEN_INVALID", challenge_over()),
        Failure::Passkey(refusal) => (refusal.reason(), passkey::invalid()),
    };
    if failure == Failure::Over {
        // It tells the log once.
        tx.mfa().end_challenge(challenge.id).await?;
    }
    let actor = mfa::actor(&user);
    let mut audit = Audit::new(actor, "mfa.refuse", gate.now, &gate.arrival);
    audit.target("user", user.id).refused(reason);
    tx.touch();
    gate.commit(tx, audit).await?;
    Ok(error)
}

/// Remembers the device that met a challenge; answers what it shows from now on.
///
/// # Errors
/// What the store answers.
pub async fn remember(gate: &Gate, tx: &Scope, user: &User) -> Result<Option<String>> {
    if gate.app.mfa.remembered.is_zero() {
        return Ok(None);
    }
    let token = new_device_token()?;
    let device = RememberedDevice {
        user: user.id,
        hash: device_hash(&gate.app.sealer, user.id, &token),
        created_at: gate.now,
        expires_at: gate.now + gate.app.mfa.remembered,
    };
    tx.mfa().remember(&device).await?;
    Ok(Some(token))
}
