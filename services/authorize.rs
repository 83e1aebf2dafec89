//! Authorize: the decision.

#[expect(
    clippy::module_inception,
    reason = "one RPC, one file, named like the RPC"
)]
mod authorize;
mod beside;
mod draft;
mod explain;
mod fresh;
mod page;
mod search_actions;
mod search_resources;
mod search_subjects;
mod simulate;
mod told;

use std::sync::Arc;

use gatepost_proto::authorize::v1 as pb;
use gatepost_proto::authorize::v1::authorize_service_server::{
    AuthorizeService, AuthorizeServiceServer,
};
use gatepost_replica::{Gatekeeper, remember_questions};
use tonic::{Request, Response, Status};

use crate::run::MESSAGE_BYTES_MAX;
use beside::Beside;

/// The service.
struct Authorize {
    gatekeeper: Arc<Gatekeeper>,
    beside: Beside,
}

/// The service, ready to be routed to.
pub fn service(gatekeeper: Arc<Gatekeeper>) -> AuthorizeServiceServer<impl AuthorizeService> {
    remember_questions();
    let beside = Beside::new();
    AuthorizeServiceServer::new(Authorize { gatekeeper, beside })
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
        request: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        explain::explain(&self.gatekeeper, &self.beside, request).await
    }

    async fn search_subjects(
        &self,
        request: Request<pb::SearchSubjectsRequest>,
    ) -> Result<Response<pb::SearchSubjectsResponse>, Status> {
        search_subjects::search_subjects(&self.gatekeeper, &self.beside, request).await
    }

    async fn search_resources(
        &self,
        request: Request<pb::SearchResourcesRequest>,
    ) -> Result<Response<pb::SearchResourcesResponse>, Status> {
        search_resources::search_resources(&self.gatekeeper, &self.beside, request).await
    }

    async fn search_actions(
        &self,
        request: Request<pb::SearchActionsRequest>,
    ) -> Result<Response<pb::SearchActionsResponse>, Status> {
        search_actions::search_actions(&self.gatekeeper, &self.beside, request).await
    }

    async fn simulate(
        &self,
        request: Request<pb::SimulateRequest>,
    ) -> Result<Response<pb::SimulateResponse>, Status> {
        simulate::simulate(&self.gatekeeper, &self.beside, request).await
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
