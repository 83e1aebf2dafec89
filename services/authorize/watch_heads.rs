//! `WatchHeads`: which organizations have something new, for those that are fed.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use gatepost_core::OrganizationId;
use gatepost_core::feed::{Hint, Reach};
use gatepost_proto::authorize::v1::{WatchHeadsRequest, WatchHeadsResponse};
use gatepost_proto::rpc::Rpc;
use gatepost_replica::{Gatekeeper, News, Want};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::feeder::Feeder;
use super::watch_revisions::permit;
use crate::context::Arrival;
use crate::error::Result;
use crate::run::{bearer, refuse};

/// The token is checked again after this time; if it is still good, a message without news says so.
const CHECK_REST: Duration = Duration::from_secs(10);

/// One message for each piece of news.
pub type Messages = BoxStream<'static, Result<WatchHeadsResponse, Status>>;

/// Handles the RPC.
pub async fn watch_heads(
    feeder: &Feeder,
    request: Request<WatchHeadsRequest>,
) -> Result<Response<Messages>, Status> {
    let arrival = Arrival::of(&request);
    let result = watch(feeder, request.metadata()).await;
    result.map_err(|error| refuse(WatchHeadsRequest::NAME, &arrival, error))
}

async fn watch(feeder: &Feeder, metadata: &MetadataMap) -> Result<Response<Messages>> {
    let (caller, reach) = feeder.enter(metadata).await?;
    let permit = permit(&feeder.watchers)?;
    let watcher = Watcher {
        news: feeder.gatekeeper.snapshots.news(),
        reach,
        system: caller.present.system.id(),
        gatekeeper: Arc::clone(&feeder.gatekeeper),
        token: bearer(metadata)?.unwrap_or_default().to_owned(),
        check_at: Instant::now() + CHECK_REST,
        _permit: permit,
    };
    let messages = stream::unfold(Some(watcher), |watcher| async {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(Some(message)) => Some((Ok(message), Some(watcher))),
            Ok(None) => None,
            Err(error) => Some((Err(error.into()), None)),
        }
    });
    Ok(Response::new(messages.boxed()))
}

/// Somebody who listens.
struct Watcher {
    news: News,
    reach: Reach,
    system: OrganizationId,
    gatekeeper: Arc<Gatekeeper>,
    token: String,
    check_at: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next message; `None` when the replica closes, or does not know itself what was new: who
    /// listens anew looks everywhere.
    async fn next(&mut self) -> Result<Option<WatchHeadsResponse>> {
        loop {
            let Ok(news) = timeout_at(self.check_at, self.news.next()).await else {
                self.gatekeeper
                    .authenticate(&self.token, Want::default())
                    .await?;
                self.check_at = Instant::now() + CHECK_REST;
                return Ok(Some(WatchHeadsResponse::default()));
            };
            match news {
                Some(Hint::Organization(organization)) if self.has(organization) => {
                    return Ok(Some(WatchHeadsResponse {
                        organization_ids: vec![organization.to_string()],
                    }));
                }
                Some(Hint::Organization(_)) => {}
                Some(Hint::Everything) | None => return Ok(None),
            }
        }
    }

    fn has(&self, organization: OrganizationId) -> bool {
        organization == self.system
            || match self.reach {
                Reach::All => true,
                Reach::One(own) => own == organization,
            }
    }
}
