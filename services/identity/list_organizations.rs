//! `ListOrganizations`: a page of organizations.

use gatepost_proto::identity::v1::{ListOrganizationsRequest, ListOrganizationsResponse};

use super::convert;
use super::list::{listed, walk};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_organizations(
    cx: &mut Cx,
    request: ListOrganizationsRequest,
) -> Result<ListOrganizationsResponse> {
    let walk = walk(request.page, request.limit, &request.page_token)?;
    let part = cx.tx.organizations().list(walk).await?;
    let items = part
        .items
        .iter()
        .cloned()
        .map(convert::organization)
        .collect();
    listed!(ListOrganizationsResponse, walk, part, items)
}
