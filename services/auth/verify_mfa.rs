//! `VerifyMfa`: a challenge and a code for a token.

use gatepost_core::mfa::{AMR_PASSWORD, AMR_TWO_FACTORS, Method};
use gatepost_proto::auth::v1::{VerifyMfaRequest, VerifyMfaResponse};
use gatepost_store::{Challenge, Purpose};

use super::challenge::{Failure, Standing, enter, read, refuse, remember};
use super::passkey_factor;
use super::session::{Start, start};
use crate::attempts::{Attempts, KnownDevice, Volume};
use crate::context::Gate;
use crate::error::{Error, Result};
use crate::mfa::{
    MfaToken, Presented, Verdict, challenge_over, check, check_pending, method_of, wrong_code,
};
use crate::passkey::Shown;

/// Handles the RPC.
pub async fn verify_mfa(gate: &mut Gate, request: VerifyMfaRequest) -> Result<VerifyMfaResponse> {
    let met = meet(gate, &request.mfa_token, presented(&request)?).await?;
    begin(gate, met, request.remember_device).await
}

/// A challenge that was met, in the transaction in which its session begins.
pub struct Met {
    /// Who met it, and the transaction.
    pub standing: Standing,
    /// The scope of the session.
    pub scope: String,
    /// How she proved who she is (RFC 8176).
    pub methods: Vec<String>,
}

/// Meets a challenge with a code or a passkey. It ends with the transaction: nothing has happened
/// before that is committed, but that the try was counted.
///
/// # Errors
/// `MFA_TOKEN_INVALID`, `MFA_CODE_INVALID`, `PASSKEY_INVALID`, `TOO_MANY_ATTEMPTS`,
/// `USER_SUSPENDED`; what the store answers.
pub async fn meet(gate: &mut Gate, token: &str, presented: Presented<'_>) -> Result<Met> {
    let token = read(gate, token)?;
    let organization = token.organization;
    Volume::Factor
        .require(&gate.app, gate.arrival.address, gate.now)
        .await
        .map_err(|error| error.concerning(organization, None))?;
    let challenge = attempt(gate, token).await?;
    let attempts = Attempts::begin_for_factor(&gate.app, challenge.user, gate.now).await;
    let attempts =
        attempts.map_err(|error| error.concerning(organization, Some(challenge.user)))?;
    let taken = match presented.passkey {
        Some(shown) => Some(passkey_factor::open(gate, &challenge, shown).await?),
        None => None,
    };
    let standing = enter(gate, token, &challenge).await?;
    let verdict = match taken {
        Some(taken) => passkey_factor::judge(gate, &standing, taken).await?,
        None => judge(gate, &standing, &challenge, presented).await?,
    };
    let failure = match verdict {
        Verdict::Right(amr) if standing.tx.mfa().end_challenge(challenge.id).await? => {
            let methods = [AMR_PASSWORD, amr, AMR_TWO_FACTORS];
            return Ok(Met {
                standing,
                scope: challenge.scope,
                methods: methods.map(str::to_owned).to_vec(),
            });
        }
        Verdict::Right(_) => return Err(challenge_over()),
        Verdict::Wrong => Failure::Wrong,
        Verdict::Replayed => Failure::Replayed,
        Verdict::Refused(refusal) => Failure::Passkey(refusal),
    };
    standing.tx.rollback().await?;
    attempts.failed(&gate.app, gate.now).await?;
    Err(refuse(gate, token, &challenge, failure).await?)
}

fn presented(request: &VerifyMfaRequest) -> Result<Presented<'_>> {
    let ways = [
        &request.passcode,
        &request.recovery_code,
        &request.credential,
    ];
    if ways.iter().filter(|way| !way.is_empty()).count() != 1 {
        let message = "give `passcode`, `recoveryCode`, or `ceremony` with `credential`";
        return Err(Error::invalid("passcode", message));
    }
    let method = match request.mfa_type.as_str() {
        "" => None,
        name => Some(method_of(name)?),
    };
    Ok(Presented {
        method,
        passcode: &request.passcode,
        recovery_code: &request.recovery_code,
        passkey: Some(Shown {
            ceremony: &request.ceremony,
            credential: &request.credential,
        })
        .filter(|shown| !shown.credential.is_empty()),
    })
}

/// Counts the try before anything is looked at: of many at once, on however many replicas, only so
/// many get an answer.
async fn attempt(gate: &mut Gate, token: MfaToken) -> Result<Challenge> {
    let tx = gate.app.store.beside(token.organization).await?;
    let mfa = tx.mfa();
    let most = gate.app.mfa.attempts;
    let counted = mfa
        .attempt_challenge(token.challenge, most, gate.now)
        .await?;
    let known = match &counted {
        Some(_) => None,
        None => mfa.get_challenge(token.challenge).await?,
    };
    tx.finish().await?;
    let open = counted.filter(|challenge| challenge.purpose != Purpose::Proof);
    match (open, known) {
        (Some(challenge), _) => Ok(challenge),
        (None, Some(over)) => Err(refuse(gate, token, &over, Failure::Over).await?),
        (None, None) => Err(challenge_over()),
    }
}

async fn judge(
    gate: &Gate,
    standing: &Standing,
    challenge: &Challenge,
    presented: Presented<'_>,
) -> Result<Verdict> {
    let Standing {
        tx, user, factors, ..
    } = standing;
    if challenge.purpose == Purpose::Enrol {
        let pending = |method: &Method| factors.pending(*method);
        let factor = match presented.method {
            Some(method) => factors.pending(method),
            None => Method::ALL.iter().find_map(pending),
        };
        let factor = factor
            .filter(|factor| factors.policy.allows(factor.method))
            .ok_or_else(wrong_code)?;
        let passcode = presented.passcode;
        let verdict = check_pending(&gate.app, tx, factor, passcode, gate.now).await?;
        if matches!(verdict, Verdict::Right(_)) {
            tx.mfa().activate(user.id, factor.method).await?;
        }
        return Ok(verdict);
    }
    let about = format!("challenge {}", challenge.id);
    let sent = challenge.code.as_ref().map(|code| (code, about.as_str()));
    check(&gate.app, (tx, user.id), factors, sent, presented, gate.now).await
}

/// The session begins, and the challenge ends with the same commit.
async fn begin(gate: &mut Gate, met: Met, remember_device: bool) -> Result<VerifyMfaResponse> {
    let Met {
        standing,
        scope,
        methods,
    } = met;
    let Standing {
        tx,
        organization,
        user,
        application,
        ..
    } = standing;
    let device_token = if remember_device {
        remember(gate, &tx, &user).await?
    } else {
        None
    };
    let begin = Start {
        organization: &organization,
        user: &user,
        application: application.as_ref(),
        scope,
        methods,
    };
    let (issued, refresh_token) = start(gate, tx, begin).await?;
    let known_device = KnownDevice::next(None, user.id, &gate.app.sealer, gate.now);
    Attempts::forget_for_factor(&gate.app, user.id).await?;
    Ok(VerifyMfaResponse {
        access_token: issued.access_token,
        expires_in: issued.expires_in,
        refresh_token: Some(refresh_token),
        token_type: "Bearer".to_owned(),
        id_token: issued.id_token,
        scope: issued.scope,
        device_token,
        known_device: Some(known_device),
    })
}
