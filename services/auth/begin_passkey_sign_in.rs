//! `BeginPasskeySignIn`: what a browser asks a passkey with.

use gatepost_proto::auth::v1::{BeginPasskeySignInRequest, BeginPasskeySignInResponse};

use super::challenge::read;
use super::passkey_factor::ask;
use crate::context::Gate;
use crate::error::Result;
use crate::passkey::{Bound, begin_assertion};

/// Handles the RPC.
pub async fn begin_passkey_sign_in(
    gate: &mut Gate,
    request: BeginPasskeySignInRequest,
) -> Result<BeginPasskeySignInResponse> {
    let lasts = gate.app.relying_party()?.lasts;
    let begun = if request.mfa_token.is_empty() {
        let bound = Bound::Client(&request.client_id);
        begin_assertion(&gate.app, bound, Vec::new(), gate.now)?
    } else {
        let token = read(gate, &request.mfa_token)?;
        ask(gate, token).await?
    };
    Ok(BeginPasskeySignInResponse {
        ceremony: begun.ceremony,
        options: begun.options,
        expires_in: i32::try_from(lasts.as_secs()).unwrap_or(i32::MAX),
    })
}
