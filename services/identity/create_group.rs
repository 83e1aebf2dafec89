//! `CreateGroup`: a new group.

use gatepost_core::GroupId;
use gatepost_core::name::GroupName;
use gatepost_proto::identity::v1::{CreateGroupRequest, CreateGroupResponse};
use gatepost_store::Group;

use super::members::set_groups_in_group;
use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;
use crate::given::field;

/// Handles the RPC.
pub async fn create_group(cx: &mut Cx, request: CreateGroupRequest) -> Result<CreateGroupResponse> {
    let name = field("name", GroupName::parse(&request.name))?;
    let group = Group {
        id: GroupId::new(cx.new_id()),
        name_key: name.key(),
        name: name.into_string(),
        built_in: false,
        created_at: cx.now,
    };
    cx.tx.groups().insert(&group).await?;
    let children = find::groups(&cx.tx, &request.groups).await?;
    set_groups_in_group(&cx.caller, &cx.tx, group.id, &children).await?;
    let id = group.id;
    let group = convert::group(&cx.tx, cx.now, group).await?;
    cx.audit.target("group", id).after(&group);
    Ok(CreateGroupResponse { group })
}
