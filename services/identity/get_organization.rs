//! `GetOrganization`: one organization.

use gatepost_proto::identity::v1::{GetOrganizationRequest, GetOrganizationResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn get_organization(
    cx: &mut Cx,
    request: GetOrganizationRequest,
) -> Result<GetOrganizationResponse> {
    let organization = find::organization(&cx.tx, &request.id).await?;
    Ok(GetOrganizationResponse {
        organization: Some(convert::organization(organization)),
    })
}
