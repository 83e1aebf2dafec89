//! `ListUsers`: a page of users.

use gatepost_proto::identity::v1::{ListUsersRequest, ListUsersResponse};
use gatepost_store::UserFilter;

use super::convert;
use super::list::{listed, walk};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_users(cx: &mut Cx, request: ListUsersRequest) -> Result<ListUsersResponse> {
    let walk = walk(request.page, request.limit, &request.page_token)?;
    let part = cx.tx.users().list(&UserFilter::default(), walk).await?;
    let items = convert::users(&cx.tx, part.items.clone()).await?;
    listed!(ListUsersResponse, walk, part, items)
}
