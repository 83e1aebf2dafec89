//! `GrantGroupRole`: gives a role to a group.

use gatepost_core::GrantSubject;
use gatepost_proto::identity::v1::{GrantGroupRoleRequest, GrantGroupRoleResponse};

use super::find;
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn grant_group_role(
    cx: &mut Cx,
    request: GrantGroupRoleRequest,
) -> Result<GrantGroupRoleResponse> {
    let group = find::group(&cx.tx, &request.id).await?;
    let role = find::role(&cx.tx, &request.role).await?;
    cx.caller.require_may_give(std::slice::from_ref(&role))?;
    cx.tx
        .grants()
        .give(GrantSubject::Group(group.id), role.id)
        .await?;
    cx.audit.target("group", group.id);
    Ok(GrantGroupRoleResponse {})
}
