//! `SearchActions`: what the subject may do on this resource.

use gatepost_core::search;
use gatepost_proto::authorize::v1::{Consistency, SearchActionsRequest, SearchActionsResponse};
use gatepost_replica::Gatekeeper;
use tonic::{Request, Response, Status};

use super::beside::Beside;
use super::fresh::{freshness, want};
use super::page::{Search, names};
use crate::context::Caller;
use crate::error::Result;

/// Handles the RPC.
pub async fn search_actions(
    gatekeeper: &Gatekeeper,
    beside: &Beside,
    request: Request<SearchActionsRequest>,
) -> Result<Response<SearchActionsResponse>, Status> {
    let want = |metadata: &_, request: &SearchActionsRequest| {
        want(metadata, request.min_revision, Consistency::Bounded)
    };
    beside.run(gatekeeper, request, want, page).await
}

fn page(caller: &Caller, request: &SearchActionsRequest) -> Result<SearchActionsResponse> {
    let search = Search {
        sub: &request.sub,
        product: &request.product,
        attributes: &request.attributes,
        cursor: &request.cursor,
        limit: request.limit,
    };
    let (actions, next_cursor) = names(caller, &search, |asked, after, limit| {
        search::search_actions(asked, &request.resource, after, limit)
    })?;
    Ok(SearchActionsResponse {
        actions,
        next_cursor,
        revision: caller.present.revision(),
        freshness: Some(freshness(caller.present.freshness)),
    })
}
