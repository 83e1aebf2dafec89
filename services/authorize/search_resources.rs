//! `SearchResources`: on which resources the subject may do this.

use gatepost_core::search;
use gatepost_proto::authorize::v1::{Consistency, SearchResourcesRequest, SearchResourcesResponse};
use gatepost_replica::Gatekeeper;
use tonic::{Request, Response, Status};

use super::beside::Beside;
use super::fresh::{freshness, want};
use super::page::{Search, names};
use crate::context::Caller;
use crate::error::Result;

/// Handles the RPC.
pub async fn search_resources(
    gatekeeper: &Gatekeeper,
    beside: &Beside,
    request: Request<SearchResourcesRequest>,
) -> Result<Response<SearchResourcesResponse>, Status> {
    let want = |metadata: &_, request: &SearchResourcesRequest| {
        want(metadata, request.min_revision, Consistency::Bounded)
    };
    beside.run(gatekeeper, request, want, page).await
}

fn page(caller: &Caller, request: &SearchResourcesRequest) -> Result<SearchResourcesResponse> {
    let search = Search {
        sub: &request.sub,
        product: &request.product,
        attributes: &request.attributes,
        cursor: &request.cursor,
        limit: request.limit,
    };
    let (resources, next_cursor) = names(caller, &search, |asked, after, limit| {
        search::search_resources(asked, &request.action, after, limit)
    })?;
    Ok(SearchResourcesResponse {
        resources,
        next_cursor,
        revision: caller.present.revision(),
        freshness: Some(freshness(caller.present.freshness)),
    })
}
