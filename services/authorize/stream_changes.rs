//! `StreamChanges`: what changed in an organization, as far as decisions need it.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use gatepost_core::feed::{Head, Narrow, narrowed_epoch};
use gatepost_core::{Change, Revision};
use gatepost_proto::authorize::v1::{StreamChangesRequest, StreamChangesResponse};
use gatepost_proto::rpc::Rpc;
use gatepost_replica::Want;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::feeder::{Feeder, reach};
use super::stream_facts::{organization, present};
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::run::{at_revision, refuse, validate};

/// One message for each revision.
pub type Steps = BoxStream<'static, Result<StreamChangesResponse, Status>>;

/// Handles the RPC.
pub async fn stream_changes(
    feeder: &Feeder,
    request: Request<StreamChangesRequest>,
) -> Result<Response<Steps>, Status> {
    let arrival = Arrival::of(&request);
    let (metadata, _, message) = request.into_parts();
    let result = told(feeder, &metadata, message).await;
    result.map_err(|error| refuse(StreamChangesRequest::NAME, &arrival, error))
}

async fn told(
    feeder: &Feeder,
    metadata: &MetadataMap,
    message: StreamChangesRequest,
) -> Result<Response<Steps>> {
    let (caller, _) = feeder.enter(metadata).await?;
    validate(&message)?;
    let organization = organization(&message.organization_id)?;
    let reach = reach(&caller, organization, &message.products)?;
    // Whether a grant is of a product that is asked for, only a snapshot that knows its role says.
    let want = Want::at_least(message.up_to_revision);
    let present = present(feeder, organization, want).await?;
    let from = Head {
        organization,
        revision: message.after_revision,
        epoch: present.epoch,
    };
    let same = message.epoch == narrowed_epoch(present.epoch, &present.system);
    let steps = if same {
        let snapshots = &feeder.gatekeeper.snapshots;
        snapshots.changes(from, message.up_to_revision).await?
    } else {
        None
    };
    let told = match steps {
        None => vec![Ok(StreamChangesResponse {
            reset: true,
            ..StreamChangesResponse::default()
        })],
        Some(steps) => {
            let narrow = Narrow::new(present.view(), &message.products, reach);
            let steps = steps.into_iter();
            steps
                .map(|(revision, changes)| step(&narrow, revision, changes))
                .collect()
        }
    };
    Ok(at_revision(present.revision(), stream::iter(told).boxed()))
}

fn step(
    narrow: &Narrow<'_>,
    revision: Revision,
    changes: Vec<Change>,
) -> Result<StreamChangesResponse, Status> {
    let changes = changes
        .into_iter()
        .filter_map(|change| narrow.change(change));
    let changes = changes.map(|change| serde_json::to_string(&change).map_err(Error::internal));
    Ok(StreamChangesResponse {
        revision,
        changes: changes.collect::<Result<_>>()?,
        reset: false,
    })
}
