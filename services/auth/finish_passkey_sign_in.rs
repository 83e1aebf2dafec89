//! `FinishPasskeySignIn`: what a passkey signed for a token.

use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::{FinishPasskeySignInRequest, FinishPasskeySignInResponse};
use gatepost_store::GrantType;

use super::client::Client;
use super::issue::person_scope;
use super::passkey_sign_in::{Entered, PASSKEY_ONLY, Place, begin_attempts, enter};
use super::session::{Start, start};
use crate::context::Gate;
use crate::error::{Error, Result};
use crate::passkey::{Bound, Shown};

/// Handles the RPC.
pub async fn finish_passkey_sign_in(
    gate: &mut Gate,
    request: FinishPasskeySignInRequest,
) -> Result<FinishPasskeySignInResponse> {
    let client_id = Some(request.client_id.as_str()).filter(|id| !id.is_empty());
    let mut place = Place {
        organization: None,
        client: client_id,
        bound: Bound::Client(&request.client_id),
    };
    let attempts = begin_attempts(gate, &request.credential, place).await?;
    let client = match client_id {
        None => None,
        Some(id) => {
            let proven = Client::prove(&gate.app, id, &request.client_secret).await;
            let is_wrong = |error: &Error| error.reason() == ErrorReason::ClientInvalid;
            if proven.as_ref().is_err_and(is_wrong) {
                attempts.client_failed(&gate.app, gate.now).await?;
            }
            let client = proven?;
            // Whoever may sign people in herself, may with this, too.
            client.require(GrantType::Password)?;
            place.organization = Some(client.organization.id);
            Some(client)
        }
    };
    let shown = Shown {
        ceremony: &request.ceremony,
        credential: &request.credential,
    };
    let entered = enter(gate, &attempts, shown, place).await?;
    let Entered {
        tx,
        organization,
        user,
    } = entered;
    let begin = Start {
        organization: &organization,
        user: &user,
        application: client.as_deref().map(|client| &client.application),
        scope: person_scope(&request.scope, None),
        methods: PASSKEY_ONLY.map(str::to_owned).to_vec(),
    };
    let (issued, refresh_token) = start(gate, tx, begin).await?;
    attempts.succeeded(&gate.app).await?;
    Ok(FinishPasskeySignInResponse {
        access_token: issued.access_token,
        expires_in: issued.expires_in,
        refresh_token,
        token_type: "Bearer".to_owned(),
        id_token: issued.id_token,
        scope: issued.scope,
    })
}
