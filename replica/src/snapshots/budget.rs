//! Memory: how much the snapshots take, and which of them go when it is too much.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gatepost_core::OrganizationId;
use tokio::task::spawn_blocking;

use super::Snapshots;
use super::slot::Slot;

/// A slot that nothing was loaded into goes when nobody has asked for it in this many beats.
const IDLE_BEATS_MAX: u64 = 16;

impl Snapshots {
    /// Evicts what was not used for the longest time until the rest is within the budget. Neither
    /// the system organization, which every decision needs, nor the one that was just loaded goes:
    /// an organization larger than the budget must be servable.
    pub(super) fn keep_within_budget(&self, just_loaded: OrganizationId) {
        let mut candidates: Vec<(u64, OrganizationId, usize)> = Vec::new();
        let mut total = 0_usize;
        for (organization, slot) in &*self.read_slots() {
            total = total.saturating_add(slot.bytes());
            if *organization != self.config.system && *organization != just_loaded {
                candidates.push((slot.used_at(), *organization, slot.bytes()));
            }
        }
        candidates.sort_unstable();
        let mut evicted: Vec<Arc<Slot>> = Vec::new();
        for (_, organization, bytes) in candidates {
            if total <= self.config.budget_bytes {
                break;
            }
            if let Some(slot) = self.evict(organization) {
                total = total.saturating_sub(bytes);
                evicted.push(slot);
            }
        }
        if !evicted.is_empty() {
            let count = u64::try_from(evicted.len()).unwrap_or(u64::MAX);
            metrics::counter!("gatepost_snapshot_evictions_total").increment(count);
            tracing::debug!(
                count,
                "evicted the snapshots that were used the longest ago"
            );
            // To free a large one takes a while.
            drop(spawn_blocking(move || drop(evicted)));
        }
    }

    /// Takes an organization out, unless somebody is at work on it.
    fn evict(&self, organization: OrganizationId) -> Option<Arc<Slot>> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let _work = slots.get(&organization)?.try_work()?;
        slots.remove(&organization)
    }

    /// Removes slots that were asked for once and never filled, and that nobody is about to fill.
    pub(super) fn sweep(&self, beat: u64) {
        let is_idle = |slot: &Slot| {
            let idle = beat.saturating_sub(slot.used_at());
            !slot.is_loaded() && idle > IDLE_BEATS_MAX && slot.try_work().is_some()
        };
        // Decisions read here: to write when there is nothing to remove would hold them up.
        if self.read_slots().values().any(|slot| is_idle(slot)) {
            let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
            slots.retain(|_, slot| !is_idle(slot));
        }
    }

    /// Tells the gauges of how old and how large everything is.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float; 2^53 bytes are enough"
    )]
    pub(super) fn measure(&self) {
        let now = self.clock.since_boot();
        let (mut bytes, mut count, mut age) = (0, 0, Duration::ZERO);
        for slot in self.read_slots().values() {
            let Some(known) = &*slot.known() else {
                continue;
            };
            bytes += slot.bytes();
            count += 1;
            age = age.max(now.saturating_sub(known.proven_at()));
        }
        metrics::gauge!("gatepost_snapshots").set(f64::from(count));
        metrics::gauge!("gatepost_snapshot_bytes").set(bytes as f64);
        metrics::gauge!("gatepost_snapshot_age_seconds").set(age.as_secs_f64());
        let bound = self.config.bound.as_secs_f64();
        metrics::gauge!("gatepost_staleness_bound_seconds").set(bound);
    }
}
