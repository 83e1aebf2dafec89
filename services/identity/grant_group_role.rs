//! `GrantGroupRole`: gives a role to a group.

use gatepost_core::GrantSubject;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{GrantGroupRoleRequest, GrantGroupRoleResponse};

use super::find;
use super::terms::{self, Terms};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::manifests;

/// Handles the RPC.
pub async fn grant_group_role(
    cx: &mut Cx,
    request: GrantGroupRoleRequest,
) -> Result<GrantGroupRoleResponse> {
    let group = find::group(&cx.tx, &request.id).await?;
    let role = find::role(&cx.tx, &request.role).await?;
    let terms = Terms::read(cx.now, request.expires_at, request.limits)?;
    let plain = terms.are_plain();
    terms::give(cx, GrantSubject::Group(group.id), &role, terms).await?;
    // Whoever may not give it learns that first. The error takes back what was done.
    if !plain && manifests::declares_grant(&cx.tx, &group, &role).await? {
        let message = "a product's manifest gives this role to this group for good";
        return Err(Error::new(ErrorReason::ManifestOwned, message));
    }
    cx.audit.target("group", group.id);
    Ok(GrantGroupRoleResponse {})
}
