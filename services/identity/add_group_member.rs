//! `AddGroupMember`: makes a user a member of a group.

use gatepost_core::Member;
use gatepost_proto::identity::v1::{AddGroupMemberRequest, AddGroupMemberResponse};

use super::escalation::{Direction, require_may_change_members};
use super::find;
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn add_group_member(
    cx: &mut Cx,
    request: AddGroupMemberRequest,
) -> Result<AddGroupMemberResponse> {
    let group = find::group(&cx.tx, &request.id).await?;
    let user = find::user(&cx.tx, &request.user_id).await?;
    require_may_change_members(&cx.caller, &cx.tx, &[group.id], Direction::Gain).await?;
    cx.tx
        .groups()
        .add_member(group.id, Member::User(user.id))
        .await?;
    cx.audit.target("group", group.id);
    Ok(AddGroupMemberResponse {})
}
