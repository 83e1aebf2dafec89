//! `ListRoles`: a page of roles.

use gatepost_proto::identity::v1::{ListRolesRequest, ListRolesResponse};
use gatepost_store::RoleFilter;

use super::convert;
use super::list::{listed, walk};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_roles(cx: &mut Cx, request: ListRolesRequest) -> Result<ListRolesResponse> {
    let walk = walk(request.page, request.limit, &request.page_token)?;
    let part = cx.tx.roles().list(&RoleFilter::default(), walk).await?;
    let items = part.items.iter().cloned().map(convert::role).collect();
    listed!(ListRolesResponse, walk, part, items)
}
