//! `ListAuditEvents`: a page of audit events.

use gatepost_proto::identity::v1::{ListAuditEventsRequest, ListAuditEventsResponse};
use gatepost_store::AuditFilter;

use super::convert;
use super::list::{listed, walk};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_audit_events(
    cx: &mut Cx,
    request: ListAuditEventsRequest,
) -> Result<ListAuditEventsResponse> {
    let walk = walk(request.page, request.limit, &request.page_token)?;
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let filter = AuditFilter {
        actor_id: given(request.actor_id),
        target_id: given(request.target_id),
        action: given(request.action),
        ..AuditFilter::default()
    };
    let part = cx.tx.audit().list(&filter, walk).await?;
    let items = part
        .items
        .iter()
        .cloned()
        .map(convert::audit_event)
        .collect();
    listed!(ListAuditEventsResponse, walk, part, items)
}
