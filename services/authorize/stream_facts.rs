//! `StreamFacts`: everything that is so in an organization, in parts, as far as decisions need it.

use std::vec;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use gatepost_core::feed::{Narrow, Reach, narrowed_epoch};
use gatepost_core::{Fact, OrganizationId};
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::{StreamFactsRequest, StreamFactsResponse};
use gatepost_proto::rpc::Rpc;
use gatepost_replica::{Present, Want};
use tokio::task::spawn_blocking;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::feeder::{Feeder, reach};
use crate::context::Arrival;
use crate::error::{Error, Result};
use crate::run::{at_revision, refuse, validate};

/// A part is sent when it has reached this size, in bytes.
const PART_BYTES: usize = 256 << 10;

/// The parts.
pub type Parts = BoxStream<'static, Result<StreamFactsResponse, Status>>;

/// Handles the RPC.
pub async fn stream_facts(
    feeder: &Feeder,
    request: Request<StreamFactsRequest>,
) -> Result<Response<Parts>, Status> {
    let arrival = Arrival::of(&request);
    let (metadata, _, message) = request.into_parts();
    let result = told(feeder, &metadata, message).await;
    result.map_err(|error| refuse(StreamFactsRequest::NAME, &arrival, error))
}

async fn told(
    feeder: &Feeder,
    metadata: &MetadataMap,
    message: StreamFactsRequest,
) -> Result<Response<Parts>> {
    let (caller, _) = feeder.enter(metadata).await?;
    validate(&message)?;
    let organization = organization(&message.organization_id)?;
    let reach = reach(&caller, organization, &message.products)?;
    let present = present(feeder, organization, Want::default()).await?;
    let permit = feeder.tellings.acquire().await.map_err(Error::internal)?;
    let empty = StreamFactsResponse {
        revision: present.revision(),
        epoch: narrowed_epoch(present.epoch, &present.system),
        facts: Vec::new(),
        last: false,
        age_us: u64::try_from(present.freshness.age.as_micros()).unwrap_or(u64::MAX),
    };
    let narrowed = move || narrowed(&present, &message.products, reach);
    let facts = spawn_blocking(narrowed).await.map_err(Error::internal)?;
    drop(permit);
    Ok(at_revision(empty.revision, parts(facts, empty).boxed()))
}

/// The organization of a request.
///
/// # Errors
/// `INVALID_REQUEST`.
pub fn organization(id: &str) -> Result<OrganizationId> {
    id.parse()
        .map_err(|_| Error::invalid("organizationId", "an organization has a UUID"))
}

/// The snapshots of an organization that is not the caller's own.
///
/// # Errors
/// `NOT_FOUND` when there is no such organization, and `UNAVAILABLE`.
pub async fn present(feeder: &Feeder, organization: OrganizationId, want: Want) -> Result<Present> {
    let present = feeder.gatekeeper.snapshots.get(organization, want).await;
    present.map_err(|error| {
        if error.reason() == ErrorReason::OrganizationGone {
            // That would be a 401, as if it were the caller's own.
            return Error::not_found("organization");
        }
        error.into()
    })
}

fn narrowed(present: &Present, products: &[String], reach: Reach) -> Vec<Fact> {
    let narrow = Narrow::new(present.view(), products, reach);
    let facts = present.organization.facts().into_iter();
    facts.filter_map(|fact| narrow.fact(fact)).collect()
}

/// The facts in parts, written when they are sent; at least one part, the last.
fn parts(
    facts: Vec<Fact>,
    empty: StreamFactsResponse,
) -> impl Stream<Item = Result<StreamFactsResponse, Status>> {
    let (mut facts, mut is_over) = (facts.into_iter(), false);
    let next = move || {
        if is_over {
            return None;
        }
        let part = part(&mut facts, &empty);
        is_over = part.as_ref().map_or(true, |part| part.last);
        Some(part)
    };
    stream::iter(std::iter::from_fn(next))
}

fn part(
    facts: &mut vec::IntoIter<Fact>,
    empty: &StreamFactsResponse,
) -> Result<StreamFactsResponse, Status> {
    let mut part = empty.clone();
    let mut bytes = 0;
    while bytes < PART_BYTES {
        let Some(fact) = facts.next() else {
            part.last = true;
            return Ok(part);
        };
        let text = serde_json::to_string(&fact).map_err(Error::internal)?;
        bytes += text.len();
        part.facts.push(text);
    }
    part.last = facts.len() == 0;
    Ok(part)
}
