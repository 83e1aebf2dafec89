//! `GetOrganization`: one organization.

use gatepost_proto::identity::v1::{GetOrganizationRequest, GetOrganizationResponse};

use super::convert;
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn get_organization(
    cx: &mut Cx,
    request: GetOrganizationRequest,
) -> Result<GetOrganizationResponse> {
    let missing = || Error::not_found("organization");
    let id = request.id.parse().map_err(|_| missing())?;
    let organization = cx.tx.organizations().get(id).await?.ok_or_else(missing)?;
    Ok(GetOrganizationResponse {
        organization: Some(convert::organization(organization)),
    })
}
