//! `RevokeGroupRole`: takes a role from a group.

use gatepost_core::GrantSubject;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{RevokeGroupRoleRequest, RevokeGroupRoleResponse};

use super::{find, terms};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::manifests;

/// Handles the RPC.
pub async fn revoke_group_role(
    cx: &mut Cx,
    request: RevokeGroupRoleRequest,
) -> Result<RevokeGroupRoleResponse> {
    let group = find::group(&cx.tx, &request.id).await?;
    let role = find::role(&cx.tx, &request.role).await?;
    terms::take(cx, GrantSubject::Group(group.id), &role).await?;
    // Whoever may not take it learns that first. The error takes back what was done.
    if manifests::declares_grant(&cx.tx, &group, &role).await? {
        let message = "a product's manifest gives this role to this group";
        return Err(Error::new(ErrorReason::ManifestOwned, message));
    }
    cx.audit.target("group", group.id);
    Ok(RevokeGroupRoleResponse {})
}
