//! `UpdateRole`: another name, another description, other permissions.

use gatepost_core::name::RoleName;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{UpdateRoleRequest, UpdateRoleResponse};
use gatepost_store::Role;

use super::mask::Mask;
use super::{convert, find};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::given::{field, permissions};

const MAY_CHANGE: [&str; 3] = ["name", "description", "permissions"];

/// Handles the RPC.
pub async fn update_role(cx: &mut Cx, request: UpdateRoleRequest) -> Result<UpdateRoleResponse> {
    let mask = Mask::read(request.update_mask.clone(), &MAY_CHANGE)?;
    let old = find::role(&cx.tx, &request.id).await?;
    require_custom(&old)?;
    let mut role = old.clone();
    if mask.names("name", request.name.is_empty()) {
        let name = field("name", RoleName::parse(&request.name))?;
        role.name_key = name.key();
        role.name = name.into_string();
    }
    if mask.names("description", request.description.is_empty()) {
        role.description = request.description;
    }
    if mask.names("permissions", request.permissions.is_empty()) {
        role.permissions = permissions(request.permissions)?;
    }
    // Both ways: whoever holds the role gains what comes and loses what goes, and what goes may
    // have been a deny. Also for another name: roles are given by name, and a strong role that took
    // a weak one's name would be given by mistake.
    cx.caller.require_may_give(&[old.clone(), role.clone()])?;
    cx.tx.roles().update(&role).await?;
    let after = convert::role(role);
    cx.audit
        .target("role", &after.id)
        .before(&convert::role(old))
        .after(&after);
    Ok(UpdateRoleResponse { role: Some(after) })
}

/// Refuses to touch a manifest's role.
///
/// # Errors
/// `MANIFEST_OWNED`.
pub fn require_custom(role: &Role) -> Result<()> {
    if role.built_in {
        let message = "a product's manifest declares this role";
        return Err(Error::new(ErrorReason::ManifestOwned, message));
    }
    Ok(())
}
