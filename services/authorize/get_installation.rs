//! `GetInstallation`: what a sidecar must know before it can decide anything.

use gatepost_core::feed::Reach;
use gatepost_proto::authorize::v1::{GetInstallationRequest, GetInstallationResponse};
use gatepost_proto::rpc::Rpc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::feeder::Feeder;
use crate::context::Arrival;
use crate::error::Result;
use crate::run::refuse;

/// Handles the RPC.
pub async fn get_installation(
    feeder: &Feeder,
    request: Request<GetInstallationRequest>,
) -> Result<Response<GetInstallationResponse>, Status> {
    let arrival = Arrival::of(&request);
    let result = installation(feeder, request.metadata()).await;
    result.map_err(|error| refuse(GetInstallationRequest::NAME, &arrival, error))
}

async fn installation(
    feeder: &Feeder,
    metadata: &MetadataMap,
) -> Result<Response<GetInstallationResponse>> {
    let (caller, reach) = feeder.enter(metadata).await?;
    let system = caller.present.system.id();
    Ok(Response::new(GetInstallationResponse {
        system_organization_id: system.to_string(),
        serves_system: reach == Reach::All || reach == Reach::One(system),
        issuer: feeder.issuer.clone(),
        single_tenant: caller.present.single_tenant,
        access_token_seconds: feeder.access_token_s,
    }))
}
