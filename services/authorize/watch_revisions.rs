//! `WatchRevisions`: each new revision of the caller's organization, as soon as decisions know it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use gatepost_core::Revision;
use gatepost_core::feed::Hint;
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::{WatchRevisionsRequest, WatchRevisionsResponse};
use gatepost_proto::rpc::Rpc;
use gatepost_replica::{Gatekeeper, News, Want};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::fresh::freshness;
use crate::context::{Arrival, Caller};
use crate::error::{Error, Result};
use crate::run::{authenticate, bearer, refuse};

/// Streams at the same time.
pub const WATCHERS_MAX: usize = 1_000;
/// The token is checked again after this time; if it is still good, a message without news says so.
const CHECK_REST: Duration = Duration::from_secs(10);

/// One message for each piece of news.
pub type Messages = BoxStream<'static, Result<WatchRevisionsResponse, Status>>;

/// Handles the RPC.
pub async fn watch_revisions(
    gatekeeper: &Arc<Gatekeeper>,
    watchers: &Arc<Semaphore>,
    request: Request<WatchRevisionsRequest>,
) -> Result<Response<Messages>, Status> {
    let arrival = Arrival::of(&request);
    let after = request.get_ref().after_revision;
    let result = watch(gatekeeper, watchers, request.metadata(), after).await;
    result.map_err(|error| refuse(WatchRevisionsRequest::NAME, &arrival, error))
}

async fn watch(
    gatekeeper: &Arc<Gatekeeper>,
    watchers: &Arc<Semaphore>,
    metadata: &MetadataMap,
    after: Revision,
) -> Result<Response<Messages>> {
    let caller = authenticate(gatekeeper, metadata, Want::default()).await?;
    let watcher = Watcher {
        // Before the first look, so that nothing is missed in between.
        news: gatekeeper.snapshots.news(),
        _permit: permit(watchers)?,
        gatekeeper: Arc::clone(gatekeeper),
        token: bearer(metadata)?.unwrap_or_default().to_owned(),
        caller,
        told: after,
        check_at: Instant::now() + CHECK_REST,
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

/// The right to listen.
///
/// # Errors
/// `OVERLOADED`.
pub fn permit(watchers: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    Arc::clone(watchers).try_acquire_owned().map_err(|_| {
        Error::new(ErrorReason::Overloaded, "too many listen already")
            .with("retry_after_seconds", "10")
    })
}

/// Somebody who listens.
struct Watcher {
    news: News,
    gatekeeper: Arc<Gatekeeper>,
    token: String,
    /// Who it is, beside the snapshots that were looked at last.
    caller: Caller,
    /// The revision that was told last.
    told: Revision,
    check_at: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next message; `None` when the replica closes.
    async fn next(&mut self) -> Result<Option<WatchRevisionsResponse>> {
        while self.caller.present.revision() <= self.told {
            let Ok(news) = timeout_at(self.check_at, self.news.next()).await else {
                self.check_at = Instant::now() + CHECK_REST;
                self.look().await?;
                return Ok(Some(self.message()));
            };
            match news {
                Some(Hint::Organization(id)) if id != self.caller.organization() => {}
                Some(Hint::Organization(_) | Hint::Everything) => self.look().await?,
                None => return Ok(None),
            }
        }
        Ok(Some(self.message()))
    }

    /// Looks again, and whether the token is still good.
    async fn look(&mut self) -> Result<()> {
        let caller = self
            .gatekeeper
            .authenticate(&self.token, Want::default())
            .await?;
        self.caller = caller.into();
        Ok(())
    }

    fn message(&mut self) -> WatchRevisionsResponse {
        let present = &self.caller.present;
        self.told = present.revision();
        WatchRevisionsResponse {
            revision: self.told,
            freshness: Some(freshness(present.freshness)),
        }
    }
}
