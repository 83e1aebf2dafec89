//! Authorize: the decision.

#[expect(
    clippy::module_inception,
    reason = "one RPC, one file, named like the RPC"
)]
mod authorize;
mod batch_authorize;
mod beside;
mod draft;
mod explain;
mod feeder;
mod fresh;
mod get_heads;
mod get_installation;
mod page;
mod search_actions;
mod search_resources;
mod search_subjects;
mod simulate;
mod stream_changes;
mod stream_facts;
mod told;
mod watch_heads;
mod watch_revisions;

use std::sync::Arc;

use gatepost_proto::authorize::v1 as pb;
use gatepost_proto::authorize::v1::authorize_service_server::{
    AuthorizeService, AuthorizeServiceServer,
};
use gatepost_proto::authorize::v1::replica_service_server::{ReplicaService, ReplicaServiceServer};
use gatepost_replica::Gatekeeper;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

pub use authorize::authorize;
pub use batch_authorize::batch_authorize;
pub use feeder::Feeder;
pub use gatepost_proto::authorize::v1::authorize_service_server::SERVICE_NAME as SERVICE;

use crate::context::Arrival;
use crate::run::MESSAGE_BYTES_MAX;
use beside::Beside;

/// The service.
struct Authorize {
    gatekeeper: Arc<Gatekeeper>,
    beside: Beside,
    /// Permits to listen to news.
    watchers: Arc<Semaphore>,
}

/// The decision, ready to be routed to.
pub fn service(gatekeeper: Arc<Gatekeeper>) -> AuthorizeServiceServer<impl AuthorizeService> {
    let watchers = Arc::new(Semaphore::new(watch_revisions::WATCHERS_MAX));
    let service = Authorize {
        gatekeeper,
        beside: Beside::new(),
        watchers,
    };
    AuthorizeServiceServer::new(service).max_decoding_message_size(MESSAGE_BYTES_MAX)
}

/// What feeds sidecars, ready to be routed to.
pub fn replica_service(feeder: Feeder) -> ReplicaServiceServer<impl ReplicaService> {
    ReplicaServiceServer::new(Replica { feeder }).max_decoding_message_size(MESSAGE_BYTES_MAX)
}

/// The service that feeds sidecars.
struct Replica {
    feeder: Feeder,
}

#[tonic::async_trait]
impl ReplicaService for Replica {
    async fn get_installation(
        &self,
        request: Request<pb::GetInstallationRequest>,
    ) -> Result<Response<pb::GetInstallationResponse>, Status> {
        get_installation::get_installation(&self.feeder, request).await
    }

    async fn get_heads(
        &self,
        request: Request<pb::GetHeadsRequest>,
    ) -> Result<Response<pb::GetHeadsResponse>, Status> {
        get_heads::get_heads(&self.feeder, request).await
    }

    type WatchHeadsStream = watch_heads::Messages;

    async fn watch_heads(
        &self,
        request: Request<pb::WatchHeadsRequest>,
    ) -> Result<Response<Self::WatchHeadsStream>, Status> {
        watch_heads::watch_heads(&self.feeder, request).await
    }

    type StreamFactsStream = stream_facts::Parts;

    async fn stream_facts(
        &self,
        request: Request<pb::StreamFactsRequest>,
    ) -> Result<Response<Self::StreamFactsStream>, Status> {
        stream_facts::stream_facts(&self.feeder, request).await
    }

    type StreamChangesStream = stream_changes::Steps;

    async fn stream_changes(
        &self,
        request: Request<pb::StreamChangesRequest>,
    ) -> Result<Response<Self::StreamChangesStream>, Status> {
        stream_changes::stream_changes(&self.feeder, request).await
    }
}

#[tonic::async_trait]
impl AuthorizeService for Authorize {
    async fn authorize(
        &self,
        request: Request<pb::AuthorizeRequest>,
    ) -> Result<Response<pb::AuthorizeResponse>, Status> {
        let (metadata, extensions, question) = request.into_parts();
        let arrival = || Arrival::in_extensions(&extensions);
        authorize(&self.gatekeeper, &metadata, &question, arrival).await
    }

    async fn batch_authorize(
        &self,
        request: Request<pb::BatchAuthorizeRequest>,
    ) -> Result<Response<pb::BatchAuthorizeResponse>, Status> {
        let (metadata, extensions, batch) = request.into_parts();
        let arrival = || Arrival::in_extensions(&extensions);
        batch_authorize(&self.gatekeeper, &metadata, &batch, arrival).await
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

    type WatchRevisionsStream = watch_revisions::Messages;

    async fn watch_revisions(
        &self,
        request: Request<pb::WatchRevisionsRequest>,
    ) -> Result<Response<Self::WatchRevisionsStream>, Status> {
        watch_revisions::watch_revisions(&self.gatekeeper, &self.watchers, request).await
    }
}
