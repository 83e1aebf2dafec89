//! Authorize: the decision.

#[expect(
    clippy::module_inception,
    reason = "one RPC, one file, named like the RPC"
)]
mod authorize;

use std::sync::Arc;

use gatepost_proto::authorize::v1 as pb;
use gatepost_proto::authorize::v1::authorize_service_server::{
    AuthorizeService, AuthorizeServiceServer,
};
use gatepost_replica::Gatekeeper;
use tonic::{Request, Response, Status};

use crate::run::MESSAGE_BYTES_MAX;

/// The service.
struct Authorize {
    gatekeeper: Arc<Gatekeeper>,
}

/// The service, ready to be routed to.
pub fn service(gatekeeper: Arc<Gatekeeper>) -> AuthorizeServiceServer<impl AuthorizeService> {
    AuthorizeServiceServer::new(Authorize { gatekeeper })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
}

#[tonic::async_trait]
impl AuthorizeService for Authorize {
    async fn authorize(
        &self,
        request: Request<pb::AuthorizeRequest>,
    ) -> Result<Response<pb::AuthorizeResponse>, Status> {
        authorize::authorize(&self.gatekeeper, request).await
    }

    async fn batch_authorize(
        &self,
        _: Request<pb::BatchAuthorizeRequest>,
    ) -> Result<Response<pb::BatchAuthorizeResponse>, Status> {
        Err(Status::unimplemented("not there yet"))
    }

    async fn explain(
        &self,
        _: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        Err(Status::unimplemented("not there yet"))
    }

    async fn search_subjects(
        &self,
        _: Request<pb::SearchSubjectsRequest>,
    ) -> Result<Response<pb::SearchSubjectsResponse>, Status> {
        Err(Status::unimplemented("not there yet"))
    }

    async fn search_resources(
        &self,
        _: Request<pb::SearchResourcesRequest>,
    ) -> Result<Response<pb::SearchResourcesResponse>, Status> {
        Err(Status::unimplemented("not there yet"))
    }

    async fn search_actions(
        &self,
        _: Request<pb::SearchActionsRequest>,
    ) -> Result<Response<pb::SearchActionsResponse>, Status> {
        Err(Status::unimplemented("not there yet"))
    }

    async fn simulate(
        &self,
        _: Request<pb::SimulateRequest>,
    ) -> Result<Response<pb::SimulateResponse>, Status> {
        Err(Status::unimplemented("not there yet"))
    }

    type WatchRevisionsStream = std::pin::Pin<
        Box<dyn futures::Stream<Item = Result<pb::WatchRevisionsResponse, Status>> + Send>,
    >;

    async fn watch_revisions(
        &self,
        _: Request<pb::WatchRevisionsRequest>,
    ) -> Result<Response<Self::WatchRevisionsStream>, Status> {
        Err(Status::unimplemented("not there yet"))
    }
}
