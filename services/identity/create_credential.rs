//! `CreateCredential`: one more secret of an application, shown this once, or a public key.

use gatepost_core::limits::CREDENTIALS_PER_APPLICATION_MAX;
use gatepost_core::{ApplicationId, CredentialId, Subject};
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{CreateCredentialRequest, CreateCredentialResponse};
use gatepost_store::{Credential, Proof};

use super::escalation::{Direction, require_not_above};
use super::{convert, find};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::public_key;
use crate::seal::{CLIENT_SECRET, new_secret};

/// What a client secret begins with, so that scanners find one that leaked.
const SECRET_PREFIX: &str = "gps_";

/// Handles the RPC.
pub async fn create_credential(
    cx: &mut Cx,
    request: CreateCredentialRequest,
) -> Result<CreateCredentialResponse> {
    let application = find::application(&cx.tx, &request.id).await?;
    // Whoever has a secret of it may do all that it may.
    let subject = Subject::Application(application.id);
    require_not_above(&cx.caller, subject, Direction::Gain)?;
    if application.settings.public {
        let message = "a public application can keep no secret";
        return Err(Error::invalid("id", message));
    }
    let present = cx.tx.applications().credentials(application.id).await?;
    if present.len() >= CREDENTIALS_PER_APPLICATION_MAX {
        let limit = CREDENTIALS_PER_APPLICATION_MAX;
        let message = format!("an application has {limit} secrets at the most; revoke one");
        return Err(Error::new(ErrorReason::LimitReached, message)
            .with("noun", "credential")
            .with("limit", limit.to_string()));
    }
    let (credential, secret) = if request.public_key.is_empty() {
        let (credential, secret) = add_secret(cx, application.id).await?;
        (credential, Some(secret))
    } else {
        let jwk = public_key::normal(&request.public_key)?;
        (add(cx, application.id, Proof::PublicKey(jwk)).await?, None)
    };
    let mut shown = convert::credential(&credential);
    cx.audit.target("application", application.id).after(&shown);
    shown.client_secret = secret;
    Ok(CreateCredentialResponse {
        credential: Some(shown),
    })
}

/// Gives an application a new secret.
///
/// # Errors
/// What the store answers.
pub async fn add_secret(cx: &Cx, application: ApplicationId) -> Result<(Credential, String)> {
    let secret = new_secret(SECRET_PREFIX)?;
    let proof = Proof::Secret(cx.app.sealer.hash(CLIENT_SECRET, &secret));
    Ok((add(cx, application, proof).await?, secret))
}

async fn add(cx: &Cx, application: ApplicationId, proof: Proof) -> Result<Credential> {
    let credential = Credential {
        id: CredentialId::new(cx.new_id()),
        application,
        proof,
        created_at: cx.now,
    };
    cx.tx.applications().add_credential(&credential).await?;
    Ok(credential)
}
