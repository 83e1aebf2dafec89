//! `DeleteRole`: a role that nobody holds goes.

use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{DeleteRoleRequest, DeleteRoleResponse};

use super::update_role::require_custom;
use super::{convert, find};
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn delete_role(cx: &mut Cx, request: DeleteRoleRequest) -> Result<DeleteRoleResponse> {
    let role = find::role(&cx.tx, &request.id).await?;
    require_custom(&role)?;
    let now_s = cx.now.unix_timestamp();
    let given = cx.tx.grants().of_role(role.id).await?;
    if given.iter().any(|grant| !grant.is_expired(now_s)) {
        return Err(Error::new(
            ErrorReason::RoleInUse,
            "the role is still held by somebody",
        ));
    }
    cx.tx.roles().delete(role.id).await?;
    cx.audit
        .target("role", role.id)
        .before(&convert::role(role));
    Ok(DeleteRoleResponse {})
}
