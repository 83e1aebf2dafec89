//! `GetHeads`: where organizations stand, for those that are fed.

use std::time::Duration;

use gatepost_core::OrganizationId;
use gatepost_core::feed::{Reach, narrowed_epoch};
use gatepost_proto::authorize::v1::{GetHeadsRequest, GetHeadsResponse, OrganizationHead};
use gatepost_proto::rpc::Rpc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::feeder::Feeder;
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::run::{refuse, validate};

/// Handles the RPC.
pub async fn get_heads(
    feeder: &Feeder,
    request: Request<GetHeadsRequest>,
) -> Result<Response<GetHeadsResponse>, Status> {
    let arrival = Arrival::of(&request);
    let (metadata, _, message) = request.into_parts();
    let result = heads(feeder, &metadata, message).await;
    result.map_err(|error| refuse(GetHeadsRequest::NAME, &arrival, error))
}

async fn heads(
    feeder: &Feeder,
    metadata: &MetadataMap,
    message: GetHeadsRequest,
) -> Result<Response<GetHeadsResponse>> {
    let (caller, reach) = feeder.enter(metadata).await?;
    validate(&message)?;
    let system = caller.present.system.id();
    let ids = message.organization_ids.iter().map(|id| id.parse());
    let mut organizations: Vec<OrganizationId> = ids
        .collect::<Result<_, _>>()
        .map_err(|_| Error::invalid("organizationIds", "an organization has a UUID"))?;
    organizations.retain(|id| reach == Reach::All || *id == system || reach == Reach::One(*id));
    let snapshots = &feeder.gatekeeper.snapshots;
    let age_max = Duration::from_micros(message.age_max_us);
    let found = snapshots.heads(&organizations, age_max).await?;
    let heads = found.heads.into_iter().map(|head| OrganizationHead {
        organization_id: head.organization.to_string(),
        revision: head.revision,
        epoch: narrowed_epoch(head.epoch, &caller.present.system),
    });
    Ok(Response::new(GetHeadsResponse {
        heads: heads.collect(),
        age_us: found.age_us,
        time: Some(feeder.gatekeeper.clock.now().into()),
    }))
}
