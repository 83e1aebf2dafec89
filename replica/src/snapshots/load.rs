//! Loading an organization: all of its facts, a part at a time.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use gatepost_core::claims::Ended;
use gatepost_core::feed::Facts;
use gatepost_core::{Fact, OrganizationId, Snapshot, SnapshotBuilder};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Snapshots;
use super::follow::unavailable;
use super::slot::{Known, Slot};
use crate::error::Result;
use crate::source::FactParts;

/// How long a part may take to come. A load as a whole takes as long as it takes: whoever gives up
/// a large one begins the same again. Tests have less patience.
pub(super) const PART_MAX: Duration = if cfg!(test) {
    Duration::from_secs(3)
} else {
    Duration::from_secs(30)
};

impl Snapshots {
    /// Builds a snapshot from all facts, few at a time: they must leave the source some air.
    pub(super) async fn load(&self, organization: OrganizationId, slot: &Slot) -> Result<()> {
        let _permit = self
            .loads
            .acquire()
            .await
            .map_err(|error| unavailable().because(error))?;
        let asked_at = self.clock.since_boot();
        let asked = self.source.facts(organization, self.clock.now());
        let asked = timeout(PART_MAX, asked).await;
        let Some(facts) = asked.unwrap_or_else(|_| Err(unavailable()))? else {
            return Err(Ended::OrganizationGone.into());
        };
        let moment = asked_at.saturating_sub(Duration::from_micros(facts.age_us));
        let epoch = facts.epoch;
        let snapshot = Arc::new(build(organization, facts).await?);
        let beat = self.beat.load(std::sync::atomic::Ordering::Relaxed);
        slot.weigh(&snapshot, beat);
        slot.touch(beat);
        let now = self.clock.since_boot();
        slot.put(Known::new(snapshot, epoch, now, moment));
        metrics::counter!("gatepost_snapshot_loads_total").increment(1);
        self.keep_within_budget(organization);
        self.tell(organization);
        if now.saturating_sub(moment) > self.config.bound / 2 {
            // It took so long that it has to catch up before anybody may decide from it.
            self.want(organization);
        }
        Ok(())
    }
}

/// Takes in each part while the next one is on its way.
async fn build(organization: OrganizationId, facts: Facts<FactParts<'_>>) -> Result<Snapshot> {
    let mut builder = SnapshotBuilder::new(organization, facts.revision);
    let mut parts = facts.parts;
    let mut part = next(&mut parts).await?;
    while let Some(facts) = part {
        let taking = spawn_blocking(move || {
            builder.add(facts);
            builder
        });
        let (taken, coming) = tokio::join!(taking, next(&mut parts));
        builder = taken.map_err(|error| unavailable().because(error))?;
        part = coming?;
    }
    let built = spawn_blocking(move || builder.build()).await;
    built.map_err(|error| unavailable().because(error))
}

async fn next(parts: &mut FactParts<'_>) -> Result<Option<Vec<Fact>>> {
    let part = timeout(PART_MAX, parts.next()).await;
    part.map_err(|_| unavailable())?.transpose()
}
