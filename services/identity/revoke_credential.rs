//! `RevokeCredential`: one secret of an application loses its force, and its tokens with it.

use gatepost_proto::identity::v1::{RevokeCredentialRequest, RevokeCredentialResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn revoke_credential(
    cx: &mut Cx,
    request: RevokeCredentialRequest,
) -> Result<RevokeCredentialResponse> {
    let application = find::application(&cx.tx, &request.id).await?;
    let credentials = cx.tx.applications().credentials(application.id).await?;
    let mut credentials = credentials.iter();
    let credential = credentials
        .find(|credential| request.credential_id.parse() == Ok(credential.id))
        .ok_or_else(|| Error::not_found("credential"))?;
    cx.tx
        .applications()
        .remove_credential(application.id, credential.id)
        .await?;
    cx.audit
        .target("application", application.id)
        .before(&convert::credential(credential));
    Ok(RevokeCredentialResponse {})
}
