//! `SendMfaCode`: a code for a challenge, by e-mail or SMS.

use gatepost_core::mfa::Method;
use gatepost_proto::auth::v1::{SendMfaCodeRequest, SendMfaCodeResponse};
use gatepost_store::Purpose;

use super::challenge::{Standing, enter, read};
use crate::attempts::Volume;
use crate::context::{Audit, Gate};
use crate::error::Result;
use crate::mfa::{self, challenge_over, method_of, send_code};

/// Handles the RPC.
pub async fn send_mfa_code(
    gate: &mut Gate,
    request: SendMfaCodeRequest,
) -> Result<SendMfaCodeResponse> {
    let method = method_of(&request.mfa_type)?;
    let message = send(gate, &request.mfa_token, method).await?;
    Ok(SendMfaCodeResponse { message })
}

/// Sends a code for a challenge; answers what to say.
///
/// # Errors
/// `MFA_TOKEN_INVALID`, `FACTOR_UNAVAILABLE`, `TOO_MANY_ATTEMPTS`, `USER_SUSPENDED`,
/// `ORGANIZATION_SUSPENDED`, `PASSWORD_SIGN_IN_OFF`; what the delivery answers.
pub async fn send(gate: &mut Gate, token: &str, method: Method) -> Result<String> {
    let token = read(gate, token)?;
    Volume::Factor
        .require(&gate.app, gate.arrival.address, gate.now)
        .await?;
    let tx = gate.app.store.read(token.organization).await?;
    let challenge = tx.mfa().get_challenge(token.challenge).await?;
    drop(tx);
    let challenge = challenge
        .filter(|one| one.purpose == Purpose::SignIn && one.expires_at > gate.now)
        .ok_or_else(challenge_over)?;
    // Nobody who may not come in is written to.
    let Standing { tx, user, .. } = enter(gate, token, &challenge).await?;
    let message = send_code(&gate.app, tx, &challenge, method, gate.now).await?;
    let tx = gate.app.store.write(token.organization).await?;
    let actor = mfa::actor(&user);
    let mut audit = Audit::new(actor, "mfa.send_code", gate.now, &gate.arrival);
    audit.target("user", user.id);
    tx.touch();
    gate.commit(tx, audit).await?;
    Ok(message)
}
