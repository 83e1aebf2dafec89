//! `UpdateGroup`: another name, or other groups inside.

use gatepost_core::name::GroupName;
use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{UpdateGroupRequest, UpdateGroupResponse};

use super::escalation::{Direction, require_may_change_members};
use super::mask::Mask;
use super::members::set_groups_in_group;
use super::{convert, find};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::given::field;

/// Handles the RPC.
pub async fn update_group(cx: &mut Cx, request: UpdateGroupRequest) -> Result<UpdateGroupResponse> {
    let mask = Mask::read(request.update_mask.clone(), &["name", "groups"])?;
    let mut group = find::group(&cx.tx, &request.id).await?;
    let before = convert::group(&cx.tx, cx.now, group.clone()).await?;
    if mask.names("name", request.name.is_empty()) {
        let name = field("name", GroupName::parse(&request.name))?;
        if group.built_in && name.as_str() != group.name {
            let message = "a product's manifest declares this group";
            return Err(Error::new(ErrorReason::ManifestOwned, message));
        }
        // Groups are addressed by name: a strong one with a weak one's name gets members by
        // mistake.
        require_may_change_members(&cx.caller, &cx.tx, &[group.id], Direction::Gain).await?;
        group.name_key = name.key();
        group.name = name.into_string();
        cx.tx.groups().update(&group).await?;
    }
    if mask.names("groups", request.groups.is_empty()) {
        let children = find::groups(&cx.tx, &request.groups).await?;
        set_groups_in_group(&cx.caller, &cx.tx, group.id, &children).await?;
    }
    let id = group.id;
    let after = convert::group(&cx.tx, cx.now, group).await?;
    cx.audit.target("group", id).before(&before).after(&after);
    Ok(UpdateGroupResponse { group: after })
}
