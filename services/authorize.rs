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
}
