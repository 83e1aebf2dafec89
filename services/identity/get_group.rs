//! `GetGroup`: one group.

use gatepost_proto::identity::v1::{GetGroupRequest, GetGroupResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn get_group(cx: &mut Cx, request: GetGroupRequest) -> Result<GetGroupResponse> {
    let group = find::group(&cx.tx, &request.id).await?;
    Ok(GetGroupResponse {
        group: convert::group(&cx.tx, cx.now, group).await?,
    })
}
