//! The database as the source of what replicas know.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use gatepost_core::feed::{Facts, Head, Heads, Steps};
use gatepost_core::{Fact, OrganizationId, Revision};
use gatepost_proto::ErrorReason;
use gatepost_replica::{Error, FactParts, Hints, Result, Source};
use gatepost_store::{Bus, HintStream, Store, StoreError};
use time::OffsetDateTime;

/// The database, and the bus that tells of its changes.
pub struct Database {
    store: Store,
    bus: Arc<Bus>,
}

impl Database {
    /// This database and this bus.
    pub fn new(store: Store, bus: Arc<Bus>) -> Self {
        Self { store, bus }
    }
}

#[tonic::async_trait]
impl Source for Database {
    async fn heads(&self, organizations: &[OrganizationId], _: Duration) -> Result<Heads> {
        self.store.feed().heads(organizations).await.map_err(failed)
    }

    async fn facts(
        &self,
        organization: OrganizationId,
        now: OffsetDateTime,
    ) -> Result<Option<Facts<FactParts<'_>>>> {
        match self.store.feed().facts(organization, now).await {
            Ok(facts) => Ok(Some(Facts {
                revision: facts.revision,
                epoch: facts.epoch,
                age_us: facts.age_us,
                parts: stream::try_unfold(facts.parts, next_part).boxed(),
            })),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn changes(&self, from: Head, up_to: Revision) -> Result<Option<Steps>> {
        let feed = self.store.feed();
        feed.changes(from.organization, from.revision, up_to)
            .await
            .map_err(failed)
    }

    async fn leave_connections(&self) {
        // It fails for a bad address only, and that is no news.
        let _ = self.store.leave_connections().await;
    }

    fn hints(self: Arc<Self>) -> Hints {
        let next = |mut hints: HintStream| async { Some((hints.next().await?, hints)) };
        stream::unfold(self.bus.subscribe(), next).boxed()
    }
}

async fn next_part(
    mut parts: gatepost_store::FactParts,
) -> Result<Option<(Vec<Fact>, gatepost_store::FactParts)>> {
    let part = parts.next().await.map_err(failed)?;
    Ok(part.map(|part| (part, parts)))
}

fn failed(error: StoreError) -> Error {
    if let StoreError::Unavailable(cause) = error {
        let message = "the database does not answer";
        return Error::new(ErrorReason::StoreUnavailable, message).because(cause);
    }
    Error::new(ErrorReason::Internal, "something went wrong inside").because(error)
}
