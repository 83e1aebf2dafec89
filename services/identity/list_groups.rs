//! `ListGroups`: a page of groups.

use gatepost_proto::identity::v1::{ListGroupsRequest, ListGroupsResponse};
use gatepost_store::GroupFilter;

use super::convert;
use super::list::{listed, walk};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_groups(cx: &mut Cx, request: ListGroupsRequest) -> Result<ListGroupsResponse> {
    let walk = walk(request.page, request.limit, &request.page_token)?;
    let part = cx.tx.groups().list(&GroupFilter::default(), walk).await?;
    let items = convert::groups(&cx.tx, cx.now, part.items.clone()).await?;
    listed!(ListGroupsResponse, walk, part, items)
}
