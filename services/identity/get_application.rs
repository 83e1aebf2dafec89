//! `GetApplication`: one application.

use gatepost_proto::identity::v1::{GetApplicationRequest, GetApplicationResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn get_application(
    cx: &mut Cx,
    request: GetApplicationRequest,
) -> Result<GetApplicationResponse> {
    let application = find::application(&cx.tx, &request.id).await?;
    Ok(GetApplicationResponse {
        application: Some(convert::application(&cx.tx, cx.now, application).await?),
    })
}
