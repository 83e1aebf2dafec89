//! `ListSessions`: a page of somebody's signed-in devices.

use gatepost_core::SessionId;
use gatepost_proto::identity::v1::{ListSessionsRequest, ListSessionsResponse};

use super::list::{listed, walk};
use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_sessions(
    cx: &mut Cx,
    request: ListSessionsRequest,
) -> Result<ListSessionsResponse> {
    let oneself = cx.caller.user();
    if oneself.is_none() || oneself != request.id.parse().ok() {
        cx.caller.require("gatepost", "sessions", "get")?;
    }
    let user = find::user(&cx.tx, &request.id).await?;
    let walk = walk(request.page, request.limit, &request.page_token)?;
    let part = cx.tx.sessions().list_live(user.id, cx.now, walk).await?;
    let present = SessionId::new(cx.caller.session());
    let items = part.items.iter();
    let items = items
        .map(|session| convert::session(session, present))
        .collect();
    listed!(ListSessionsResponse, walk, part, items)
}
