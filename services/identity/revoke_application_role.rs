//! `RevokeApplicationRole`: takes a role from an application.

use gatepost_core::GrantSubject;
use gatepost_proto::identity::v1::{RevokeApplicationRoleRequest, RevokeApplicationRoleResponse};

use super::{find, terms};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn revoke_application_role(
    cx: &mut Cx,
    request: RevokeApplicationRoleRequest,
) -> Result<RevokeApplicationRoleResponse> {
    let application = find::application(&cx.tx, &request.id).await?;
    let role = find::role(&cx.tx, &request.role).await?;
    terms::take(cx, GrantSubject::Application(application.id), &role).await?;
    cx.audit.target("application", application.id);
    Ok(RevokeApplicationRoleResponse {})
}
