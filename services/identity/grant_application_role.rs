//! `GrantApplicationRole`: gives a role to an application.

use gatepost_core::GrantSubject;
use gatepost_proto::identity::v1::{GrantApplicationRoleRequest, GrantApplicationRoleResponse};

use super::find;
use super::terms::{self, Terms};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn grant_application_role(
    cx: &mut Cx,
    request: GrantApplicationRoleRequest,
) -> Result<GrantApplicationRoleResponse> {
    let application = find::application(&cx.tx, &request.id).await?;
    let role = find::role(&cx.tx, &request.role).await?;
    let terms = Terms::read(cx.now, request.expires_at, request.limits)?;
    terms::give(cx, GrantSubject::Application(application.id), &role, terms).await?;
    cx.audit.target("application", application.id);
    Ok(GrantApplicationRoleResponse {})
}
