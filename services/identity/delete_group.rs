//! `DeleteGroup`: an empty group goes.

use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{DeleteGroupRequest, DeleteGroupResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn delete_group(cx: &mut Cx, request: DeleteGroupRequest) -> Result<DeleteGroupResponse> {
    let group = find::group(&cx.tx, &request.id).await?;
    if group.built_in {
        let message = "a product's manifest declares this group";
        return Err(Error::new(ErrorReason::ManifestOwned, message));
    }
    if !cx.tx.groups().members(group.id).await?.is_empty() {
        return Err(Error::new(
            ErrorReason::GroupNotEmpty,
            "the group still has members",
        ));
    }
    let id = group.id;
    let before = convert::group(&cx.tx, cx.now, group).await?;
    cx.tx.groups().delete(id).await?;
    cx.audit.target("group", id).before(&before);
    Ok(DeleteGroupResponse {})
}
