//! `ListCredentials`: the secrets of an application, without the secrets.

use gatepost_proto::identity::v1::{ListCredentialsRequest, ListCredentialsResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_credentials(
    cx: &mut Cx,
    request: ListCredentialsRequest,
) -> Result<ListCredentialsResponse> {
    let application = find::application(&cx.tx, &request.id).await?;
    let credentials = cx.tx.applications().credentials(application.id).await?;
    Ok(ListCredentialsResponse {
        items: credentials.iter().map(convert::credential).collect(),
    })
}
