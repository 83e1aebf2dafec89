//! `GetRole`: one role.

use gatepost_proto::identity::v1::{GetRoleRequest, GetRoleResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn get_role(cx: &mut Cx, request: GetRoleRequest) -> Result<GetRoleResponse> {
    let role = find::role(&cx.tx, &request.id).await?;
    Ok(GetRoleResponse {
        role: Some(convert::role(role)),
    })
}
