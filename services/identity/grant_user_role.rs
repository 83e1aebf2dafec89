//! `GrantUserRole`: gives a role to a user.

use gatepost_core::GrantSubject;
use gatepost_proto::identity::v1::{GrantUserRoleRequest, GrantUserRoleResponse};

use super::find;
use super::terms::{self, Terms};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn grant_user_role(
    cx: &mut Cx,
    request: GrantUserRoleRequest,
) -> Result<GrantUserRoleResponse> {
    let user = find::user(&cx.tx, &request.id).await?;
    let role = find::role(&cx.tx, &request.role).await?;
    let terms = Terms::read(cx.now, request.expires_at, request.limits)?;
    terms::give(cx, GrantSubject::User(user.id), &role, terms).await?;
    cx.audit.target("user", user.id);
    Ok(GrantUserRoleResponse {})
}
