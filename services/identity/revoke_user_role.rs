//! `RevokeUserRole`: takes a role from a user.

use gatepost_core::GrantSubject;
use gatepost_proto::identity::v1::{RevokeUserRoleRequest, RevokeUserRoleResponse};

use super::{find, terms};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn revoke_user_role(
    cx: &mut Cx,
    request: RevokeUserRoleRequest,
) -> Result<RevokeUserRoleResponse> {
    let user = find::user(&cx.tx, &request.id).await?;
    let role = find::role(&cx.tx, &request.role).await?;
    terms::take(cx, GrantSubject::User(user.id), &role).await?;
    cx.audit.target("user", user.id);
    Ok(RevokeUserRoleResponse {})
}
