//! `ListApplications`: a page of applications.

use gatepost_proto::identity::v1::{ListApplicationsRequest, ListApplicationsResponse};
use gatepost_store::ApplicationFilter;

use super::convert;
use super::list::{listed, walk};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_applications(
    cx: &mut Cx,
    request: ListApplicationsRequest,
) -> Result<ListApplicationsResponse> {
    let walk = walk(request.page, request.limit, &request.page_token)?;
    let part = cx
        .tx
        .applications()
        .list(&ApplicationFilter::default(), walk)
        .await?;
    let mut items = Vec::with_capacity(part.items.len());
    for application in part.items.iter().cloned() {
        items.push(convert::application(&cx.tx, cx.now, application).await?);
    }
    listed!(ListApplicationsResponse, walk, part, items)
}
