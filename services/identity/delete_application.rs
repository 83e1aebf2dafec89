//! `DeleteApplication`: an application goes, with its secrets and grants.

use gatepost_proto::identity::v1::{DeleteApplicationRequest, DeleteApplicationResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn delete_application(
    cx: &mut Cx,
    request: DeleteApplicationRequest,
) -> Result<DeleteApplicationResponse> {
    let application = find::application(&cx.tx, &request.id).await?;
    let id = application.id;
    let before = convert::application(&cx.tx, cx.now, application).await?;
    let until = cx.app.sign_in.last_token_ends(cx.now);
    cx.tx.applications().delete(id, cx.now, until).await?;
    cx.audit.target("application", id).before(&before);
    Ok(DeleteApplicationResponse {})
}
