//! The snapshots that decisions are made from, and the proof that they are fresh.
//!
//! Each loaded organization has one immutable snapshot, swapped whole, with its proof: the moment
//! before which every committed revision is in it. One task follows the heads of all of them: it
//! asks at a fixed beat, at once when a hint or a caller wants it, and the moment it proves is the
//! one *before* it asked. A decision made within the staleness bound of that moment knows every
//! revision that was committed before it (invariant 4); past the bound there is no snapshot to be
//! had, only `STALE`.

mod budget;
mod feed;
mod follow;
mod load;
mod slot;
#[cfg(test)]
mod tests;
mod window;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use foldhash::{HashMap, HashSet};
use gatepost_core::feed::Hint;
use gatepost_core::{OrganizationId, Revision};
use gatepost_proto::ErrorReason;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, broadcast, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::present::{Freshness, Present, Want};
use crate::source::Source;
pub use feed::News;
use slot::Slot;

/// How long a caller waits for a revision that this replica does not know yet.
const CATCH_UP_MAX: Duration = Duration::from_millis(50);
/// How long a caller waits for an organization that is not loaded; the loading goes on after it.
const LOAD_WAIT_MAX: Duration = Duration::from_secs(5);
/// Organizations that are loaded at the same time.
const LOADS_MAX: usize = 3;

/// News that may wait for a slow reader; one that lags behind is told to look everywhere.
const NEWS_MAX: usize = 1_024;

/// What is followed, and how.
#[derive(Clone, Debug)]
pub struct SnapshotConfig {
    /// The system organization.
    pub system: OrganizationId,
    /// How old the knowledge behind a decision may be.
    pub bound: Duration,
    /// Whether this installation serves one organization only.
    pub single_tenant: bool,
    /// Bytes that all snapshots together may take, near enough.
    pub budget_bytes: usize,
    /// The products that the source tells of, if not all.
    pub products: Option<Arc<[String]>>,
    /// Whether the source tells of the system organization's people and machines.
    pub serves_system: bool,
}

/// What the next round of the follower must ask for.
#[derive(Default)]
struct Round {
    organizations: HashSet<OrganizationId>,
    /// Whether somebody waits for the newest.
    newest: bool,
}

/// All snapshots of this replica.
pub struct Snapshots {
    source: Arc<dyn Source>,
    /// Where the source's connections live: who asks may be on another runtime.
    runtime: Handle,
    clock: Clock,
    config: SnapshotConfig,
    system: Arc<Slot>,
    slots: RwLock<HashMap<OrganizationId, Arc<Slot>>>,
    /// Beats of the follower so far: the clock of who was used when.
    beat: AtomicU64,
    /// What the next round must ask for.
    next_round: Mutex<Round>,
    wanted: Notify,
    /// Organizations that have something new, for those that this replica feeds itself.
    news: broadcast::Sender<Hint>,
    closing: watch::Sender<bool>,
    /// Counts how often connections were left; work that waits for one ends then.
    cut: watch::Sender<u64>,
    loads: Semaphore,
    clock_agrees: AtomicBool,
}

/// Why there is no snapshot to decide from right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanting {
    Load,
    Fresh,
    Revision,
}

/// What a caller wants, and since when.
#[derive(Clone, Copy)]
struct Request {
    organization: OrganizationId,
    want: Want,
    /// When the question arrived, since boot.
    arrived: Duration,
}

impl Snapshots {
    /// Loads the system organization's snapshot; the others are loaded when they are asked for.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn open(
        source: Arc<dyn Source>,
        clock: Clock,
        config: SnapshotConfig,
    ) -> Result<Arc<Self>> {
        let (id, system) = (config.system, Arc::new(Slot::default()));
        let snapshots = Arc::new(Self {
            source,
            runtime: Handle::current(),
            clock,
            config,
            system: Arc::clone(&system),
            slots: RwLock::new(HashMap::from_iter([(id, Arc::clone(&system))])),
            beat: AtomicU64::new(0),
            next_round: Mutex::default(),
            wanted: Notify::new(),
            news: broadcast::Sender::new(NEWS_MAX),
            closing: watch::Sender::new(false),
            cut: watch::Sender::new(0),
            loads: Semaphore::new(LOADS_MAX),
            clock_agrees: AtomicBool::new(true),
        });
        snapshots.load(id, &system).await?;
        Ok(snapshots)
    }

    /// The system organization.
    pub fn system(&self) -> OrganizationId {
        self.config.system
    }

    /// Whether a token of this organization can be judged from what the source tells.
    pub fn serves(&self, organization: OrganizationId) -> bool {
        self.config.serves_system || organization != self.config.system
    }

    /// How old the knowledge behind a decision may be.
    pub fn bound(&self) -> Duration {
        self.config.bound
    }

    /// The present snapshots of an organization, as fresh as wanted.
    ///
    /// What is there and fresh enough is answered at once. For anything else the caller waits for
    /// one round of the follower that begins after this moment, 50 ms at the most, and shares it
    /// with all who wait; for an organization that must be loaded, a few seconds.
    ///
    /// # Errors
    /// `STALE` past the bound, or when a fully fresh answer does not come in time;
    /// `REVISION_AHEAD` if that revision is not known within that time; `ORGANIZATION_GONE`; and
    /// what the source answers when the snapshot must be loaded.
    pub async fn get(
        self: &Arc<Self>,
        organization: OrganizationId,
        want: Want,
    ) -> Result<Present> {
        let request = Request {
            organization,
            want,
            arrived: self.clock.since_boot(),
        };
        match self.try_get(request, request.arrived) {
            Ok(present) => Ok(present),
            // Boxed, so that who need not wait does not carry what waiting needs.
            Err(Wanting::Load) => Box::pin(self.load_and_catch_up(request)).await,
            Err(_) => Box::pin(self.catch_up(request, CATCH_UP_MAX)).await,
        }
    }

    /// The hot path: two pointer reads and a comparison of times.
    fn try_get(&self, request: Request, now: Duration) -> Result<Present, Wanting> {
        let slots = self.read_slots();
        let slot = slots.get(&request.organization).ok_or(Wanting::Load)?;
        let (system, own) = (self.system.known(), slot.known());
        let system = system.as_ref().ok_or(Wanting::Load)?;
        let own = own.as_ref().ok_or(Wanting::Load)?;
        slot.touch(self.beat.load(Ordering::Relaxed));
        let proven_at = system.proven_at().min(own.proven_at());
        let age = now.saturating_sub(proven_at);
        let is_fresh = if request.want.fully_fresh {
            proven_at > request.arrived
        } else {
            age <= self.config.bound
        };
        if !is_fresh {
            return Err(Wanting::Fresh);
        }
        if own.snapshot.revision() < request.want.least {
            return Err(Wanting::Revision);
        }
        Ok(Present {
            system: Arc::clone(&system.snapshot),
            organization: Arc::clone(&own.snapshot),
            single_tenant: self.config.single_tenant,
            epoch: own.epoch,
            products: self.config.products.clone(),
            freshness: Freshness {
                age,
                lag: slot.lag(),
                bound: self.config.bound,
            },
            now: self.clock.now(),
        })
    }

    async fn load_and_catch_up(self: &Arc<Self>, request: Request) -> Result<Present> {
        let deadline = Instant::now() + LOAD_WAIT_MAX;
        let slot = self.slot_or_new(request.organization);
        slot.touch(self.beat.load(Ordering::Relaxed));
        let mut progress = slot.progress();
        self.begin_load(request.organization, &slot);
        while !slot.is_loaded() {
            if timeout_at(deadline, progress.changed()).await.is_err() {
                return Err(Wanting::Load.into());
            }
            let failure = progress.borrow_and_update().failure;
            if let Some(failure) = failure.filter(|_| !slot.is_loaded()) {
                return Err(failure.into());
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.catch_up(request, left.max(CATCH_UP_MAX)).await
    }

    /// Waits for a round of the follower that begins after the question arrived. Who asks for what
    /// is not there costs no more than that round, and shares it.
    async fn catch_up(self: &Arc<Self>, request: Request, wait_max: Duration) -> Result<Present> {
        let deadline = Instant::now() + wait_max;
        let slot = self.slot_or_new(request.organization);
        let (mut own, mut system) = (slot.progress(), self.system.progress());
        self.want(request.organization);
        loop {
            own.borrow_and_update();
            system.borrow_and_update();
            let wanting = match self.try_get(request, self.clock.since_boot()) {
                Ok(present) => return Ok(present),
                Err(wanting) => wanting,
            };
            let looked_at = slot.known().as_ref().map(|known| known.proven_at());
            if wanting == Wanting::Revision && looked_at > Some(request.arrived) {
                return Err(wanting.into());
            }
            tokio::select! {
                // The news was from before this question, or of less than it wants.
                _ = own.changed() => self.want(request.organization),
                _ = system.changed() => {}
                () = sleep_until(deadline) => return Err(wanting.into()),
            }
        }
    }

    /// Makes this replica see its own write, so that a caller reads what it has written.
    pub async fn see(self: &Arc<Self>, organization: OrganizationId, revision: Revision) {
        if self.slot(organization).is_some_and(|slot| slot.is_loaded()) {
            let request = Request {
                organization,
                want: Want::at_least(revision),
                arrived: self.clock.since_boot(),
            };
            // The write stands whether or not it is seen here within the time.
            let _ = self.catch_up(request, self.config.bound).await;
        }
    }

    /// Whether decisions can be made at all, for the readiness probe.
    pub fn ready(&self) -> bool {
        let now = self.clock.since_boot();
        let is_fresh = self
            .system
            .known()
            .as_ref()
            .is_some_and(|known| now.saturating_sub(known.proven_at()) <= self.config.bound);
        is_fresh && self.clock_agrees.load(Ordering::Relaxed)
    }

    /// Has the next round ask for an organization, at once.
    fn want(&self, organization: OrganizationId) {
        {
            let mut round = self.next_round();
            round.organizations.insert(organization);
            round.newest = true;
        }
        self.wanted.notify_one();
    }

    fn note_wanted(&self, organization: OrganizationId) {
        self.next_round().organizations.insert(organization);
    }

    fn next_round(&self) -> MutexGuard<'_, Round> {
        let round = self.next_round.lock();
        round.unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, organization: OrganizationId) -> Option<Arc<Slot>> {
        self.read_slots().get(&organization).map(Arc::clone)
    }

    fn slot_or_new(&self, organization: OrganizationId) -> Arc<Slot> {
        if let Some(slot) = self.slot(organization) {
            return slot;
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(organization).or_default())
    }

    fn read_slots(&self) -> RwLockReadGuard<'_, HashMap<OrganizationId, Arc<Slot>>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Wanting> for Error {
    fn from(wanting: Wanting) -> Self {
        match wanting {
            Wanting::Load | Wanting::Fresh => {
                metrics::counter!("gatepost_stale_refusals_total").increment(1);
                Self::new(
                    ErrorReason::Stale,
                    "this replica cannot show that it is fresh enough",
                )
            }
            Wanting::Revision => Self::new(
                ErrorReason::RevisionAhead,
                "the asked revision is not known here yet; ask again",
            ),
        }
    }
}
