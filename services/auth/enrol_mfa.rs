//! `EnrolMfa`: the first factor of somebody who may not sign in without one.

use gatepost_core::mfa::Method;
use gatepost_proto::auth::v1::{EnrolMfaRequest, EnrolMfaResponse};
use gatepost_store::Purpose;

use super::challenge::{Standing, enter, read};
use crate::attempts::Volume;
use crate::context::{Audit, Gate};
use crate::error::Result;
use crate::mfa::{self, SetUp, Wish, challenge_over, first_recovery_codes, method_of, set_up};
use crate::passkey::{Bound, begin_registration};

/// Handles the RPC.
pub async fn enrol_mfa(gate: &mut Gate, request: EnrolMfaRequest) -> Result<EnrolMfaResponse> {
    let method = method_of(&request.mfa_type)?;
    let told = enrol(gate, &request.mfa_token, method, &request.phone).await?;
    Ok(EnrolMfaResponse {
        secret: told.secret,
        url: told.url,
        recovery_codes: told.recovery_codes,
        mfa_type: request.mfa_type,
        enabled: told.enabled,
        ceremony: told.ceremony,
        options: told.options,
    })
}

/// Sets up the first factor of whoever was challenged to.
///
/// # Errors
/// `MFA_TOKEN_INVALID`, `FACTOR_UNAVAILABLE`, `TOO_MANY_ATTEMPTS`; what the delivery answers.
pub async fn enrol(gate: &mut Gate, token: &str, method: Method, phone: &str) -> Result<SetUp> {
    let token = read(gate, token)?;
    Volume::Factor
        .require(&gate.app, gate.arrival.address, gate.now)
        .await?;
    let tx = gate.app.store.read(token.organization).await?;
    let challenge = tx.mfa().get_challenge(token.challenge).await?;
    drop(tx);
    let challenge = challenge
        .filter(|one| one.purpose == Purpose::Enrol && one.expires_at > gate.now)
        .ok_or_else(challenge_over)?;
    let standing = enter(gate, token, &challenge).await?;
    let user = standing.user.clone();
    let told = if method == Method::Passkey {
        passkey(gate, standing, Bound::Enrolment(challenge.id)).await?
    } else {
        let wish = Wish {
            method,
            phone,
            application: challenge.application,
        };
        set_up(&gate.app, standing.tx, &user, wish, gate.now).await?
    };
    let tx = gate.app.store.write(token.organization).await?;
    let actor = mfa::actor(&user);
    let mut audit = Audit::new(actor, "mfa.set_up", gate.now, &gate.arrival);
    audit.target("user", user.id);
    tx.touch();
    gate.commit(tx, audit).await?;
    Ok(told)
}

/// Begins to make the passkey; the transaction ends here.
async fn passkey(gate: &Gate, standing: Standing, bound: Bound<'_>) -> Result<SetUp> {
    let Standing {
        tx,
        organization,
        user,
        factors,
        ..
    } = standing;
    let whose = (&organization, &user);
    let begun = begin_registration(&gate.app, &tx, whose, &factors, bound, gate.now).await?;
    let recovery_codes = first_recovery_codes(&gate.app, &tx, user.id, &factors).await?;
    tx.finish().await?;
    Ok(SetUp {
        recovery_codes,
        ceremony: begun.ceremony,
        options: begun.options,
        ..SetUp::default()
    })
}
