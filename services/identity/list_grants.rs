//! `ListGrants`: who holds which role, and on which terms.

use gatepost_core::RoleId;
use gatepost_core::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};
use gatepost_proto::identity::v1::{ListGrantsRequest, ListGrantsResponse};
use gatepost_store::{GrantCursor, GrantFilter};
use uuid::Uuid;

use super::{convert, find};
use crate::context::Cx;
use crate::error::{Error, Result};

/// Handles the RPC.
pub async fn list_grants(cx: &mut Cx, request: ListGrantsRequest) -> Result<ListGrantsResponse> {
    let filter = GrantFilter {
        subject: subject(&request.subject_id)?,
        role: match request.role.as_str() {
            "" => None,
            role => Some(find::role(&cx.tx, role).await?.id),
        },
    };
    let after = place(&request.page_token)?;
    let limit = match u32::try_from(request.limit).unwrap_or(0) {
        0 => PAGE_LIMIT_DEFAULT,
        limit => limit.min(PAGE_LIMIT_MAX),
    };
    let (grants, next) = cx.tx.grants().list(filter, after.as_ref(), limit).await?;
    let mut roles: Vec<RoleId> = grants.iter().map(|grant| grant.role).collect();
    roles.sort_unstable();
    roles.dedup();
    let roles = cx.tx.roles().get_many(&roles).await?;
    Ok(ListGrantsResponse {
        items: grants
            .into_iter()
            .map(|grant| convert::grant(grant, &roles))
            .collect(),
        limit: i32::try_from(limit).unwrap_or(i32::MAX),
        next_page_token: next.map(|next| next.to_string()).unwrap_or_default(),
    })
}

fn subject(id: &str) -> Result<Option<Uuid>> {
    if id.is_empty() {
        return Ok(None);
    }
    let id = id.parse();
    id.map(Some)
        .map_err(|_| Error::invalid("subjectId", "must be an id"))
}

fn place(page_token: &str) -> Result<Option<GrantCursor>> {
    if page_token.is_empty() {
        return Ok(None);
    }
    let place = page_token.parse();
    place
        .map(Some)
        .map_err(|_| Error::invalid("pageToken", "no answer gave this `pageToken`"))
}
