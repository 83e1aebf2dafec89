//! `SendMfaProof`: a code with which somebody signed in proves who she is.

use std::sync::Arc;

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_proto::identity::v1::{SendMfaProofRequest, SendMfaProofResponse};

use super::own_factors::oneself;
use crate::app::App;
use crate::context::{Caller, Cx};
use crate::error::Result;
use crate::mfa::{method_of, send_proof};

/// Sends the code before the transaction of the record begins.
pub async fn prepare(
    app: Arc<App>,
    caller: Caller,
    request: SendMfaProofRequest,
) -> Result<(UserId, String)> {
    let user = oneself(&caller, &request.id)?;
    let method = match request.mfa_type.as_str() {
        "" => Method::Email,
        name => method_of(name)?,
    };
    let organization = caller.organization();
    let message = send_proof(&app, organization, user, method, app.clock.now()).await?;
    Ok((user, message))
}

/// Handles the RPC.
pub async fn send_mfa_proof(
    cx: &mut Cx,
    (user, message): (UserId, String),
) -> Result<SendMfaProofResponse> {
    cx.audit.target("user", user);
    cx.tx.touch();
    Ok(SendMfaProofResponse { message })
}
