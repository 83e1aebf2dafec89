//! The snapshots that decisions are made from, and the proof that they are fresh.
//!
//! Each loaded organization has one immutable snapshot, swapped whole. One task follows the heads
//! of all of them: it asks at a fixed beat, at once when a hint or a caller wants it, and notes for
//! each snapshot the moment *before* it asked. A decision made within the staleness bound of that
//! moment knows every revision that was committed before it (invariant 4); past the bound there is
//! no snapshot to be had, only `STALE`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use foldhash::HashMap;
use gatepost_core::{OrganizationId, Revision, Snapshot, View};
use gatepost_proto::ErrorReason;
use gatepost_store::{Head, HintStream, Store, StoreError};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::clock::Clock;
use crate::error::{Error, Result};

/// How long a caller waits for a revision that this replica does not know yet.
const CATCH_UP_MS_MAX: u64 = 50;
/// The follower asks this many times within one bound.
const BEATS_PER_BOUND: u32 = 4;
/// The slowest beat: a long bound is for outages, not for slow revocations.
const BEAT_MAX: Duration = Duration::from_secs(1);
/// When every round has failed for so long, new connections are tried.
const FAILING_MAX: Duration = Duration::from_secs(3);
/// Rest between two rounds, so that a flood of hints cannot keep the database busy.
const REST: Duration = Duration::from_millis(2);

/// The two snapshots that a decision needs, proven fresh.
#[derive(Clone, Debug)]
pub struct Present {
    /// What belongs to the installation.
    pub system: Arc<Snapshot>,
    /// The caller's organization.
    pub organization: Arc<Snapshot>,
    /// Whether this installation serves one organization only.
    pub single_tenant: bool,
    /// The unix second at which the expiry of grants is judged.
    pub now_s: i64,
}

impl Present {
    /// What core decides from.
    pub fn view(&self) -> View<'_> {
        View {
            system: &self.system,
            organization: &self.organization,
            single_tenant: self.single_tenant,
            now_s: self.now_s,
        }
    }
}

/// One organization's snapshot and its freshness.
#[derive(Default)]
struct Slot {
    snapshot: ArcSwapOption<Snapshot>,
    epoch: AtomicU64,
    /// Microseconds since boot at which the head was about to be asked.
    // INVARIANT: written after the snapshot and read before it, so that a reader never pairs an
    // old snapshot with a newer proof.
    proven_at_us: AtomicU64,
    loading: Mutex<()>,
}

/// Why there is no snapshot to decide from right now.
enum Wanting {
    Load,
    Fresh,
    Revision,
}

/// All snapshots of this replica.
pub struct Snapshots {
    store: Store,
    clock: Clock,
    bound: Duration,
    single_tenant: bool,
    system: (OrganizationId, Arc<Slot>),
    slots: RwLock<HashMap<OrganizationId, Arc<Slot>>>,
    wanted: Notify,
    /// Rounds that have begun; `rounds` are those that have ended.
    begun: AtomicU64,
    rounds: watch::Sender<u64>,
    clock_agrees: AtomicBool,
}

impl Snapshots {
    /// Loads the system organization's snapshot; the others are loaded when they are asked for.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn open(
        store: Store,
        clock: Clock,
        system: OrganizationId,
        bound: Duration,
        single_tenant: bool,
    ) -> Result<Arc<Self>> {
        let slot = Arc::new(Slot::default());
        let snapshots = Arc::new(Self {
            store,
            clock,
            bound,
            single_tenant,
            system: (system, Arc::clone(&slot)),
            slots: RwLock::new(HashMap::from_iter([(system, slot)])),
            wanted: Notify::new(),
            begun: AtomicU64::new(0),
            rounds: watch::Sender::new(0),
            clock_agrees: AtomicBool::new(true),
        });
        snapshots.load(system).await?;
        Ok(snapshots)
    }

    /// The system organization.
    pub fn system(&self) -> OrganizationId {
        self.system.0
    }

    /// The present snapshots of an organization, at least at revision `least`.
    ///
    /// # Errors
    /// `STALE` past the bound, `REVISION_AHEAD` if `least` is not known within 50 ms,
    /// `ORGANIZATION_GONE`, and what the store answers when the snapshot must be loaded.
    pub async fn get(&self, organization: OrganizationId, least: Revision) -> Result<Present> {
        match self.try_get(organization, least) {
            Ok(present) => return Ok(present),
            Err(Wanting::Load) => self.load(organization).await?,
            Err(Wanting::Fresh | Wanting::Revision) => {}
        }
        let wait_max = Duration::from_millis(CATCH_UP_MS_MAX);
        self.catch_up(organization, least, wait_max).await
    }

    /// The hot path: two pointer reads and a look at the clock.
    fn try_get(&self, organization: OrganizationId, least: Revision) -> Result<Present, Wanting> {
        let slot = self.slot(organization).ok_or(Wanting::Load)?;
        let proven_us = self.system.1.proven_us().min(slot.proven_us());
        let snapshot = slot.snapshot.load_full().ok_or(Wanting::Load)?;
        let system = self.system.1.snapshot.load_full().ok_or(Wanting::Load)?;
        let age = self
            .clock
            .since_boot()
            .saturating_sub(Duration::from_micros(proven_us));
        if age > self.bound {
            return Err(Wanting::Fresh);
        }
        if snapshot.revision() < least {
            return Err(Wanting::Revision);
        }
        let single_tenant = self.single_tenant;
        Ok(Present {
            system,
            organization: snapshot,
            single_tenant,
            now_s: self.clock.now().unix_timestamp(),
        })
    }

    /// Waits for one round of the follower that begins after this moment, as long as `wait_max` at
    /// the most. Who asks for what is not there costs no more than that round, and shares it.
    async fn catch_up(
        &self,
        organization: OrganizationId,
        least: Revision,
        wait_max: Duration,
    ) -> Result<Present> {
        let deadline = Instant::now() + wait_max;
        let mut rounds = self.rounds.subscribe();
        let begun = self.begun.load(Ordering::SeqCst);
        self.wanted.notify_one();
        loop {
            let looked = *rounds.borrow_and_update() > begun;
            let wanting = match self.try_get(organization, least) {
                Ok(present) => return Ok(present),
                Err(wanting) => wanting,
            };
            if looked || timeout_at(deadline, rounds.changed()).await.is_err() {
                return Err(wanting.into());
            }
        }
    }

    /// Makes this replica see its own write, so that a caller reads what it has written.
    pub async fn see(&self, organization: OrganizationId, revision: Revision) {
        if self.slot(organization).is_some() {
            // The write stands whether or not it is seen here within the time.
            let _ = self.catch_up(organization, revision, self.bound).await;
        }
    }

    /// Whether decisions can be made at all, for the readiness probe.
    pub fn ready(&self) -> bool {
        let proven = Duration::from_micros(self.system.1.proven_us());
        let age = self.clock.since_boot().saturating_sub(proven);
        age <= self.bound && self.clock_agrees.load(Ordering::Relaxed)
    }

    /// Follows the heads until the task is dropped.
    pub async fn follow(self: Arc<Self>, mut hints: HintStream) {
        let beat = (self.bound / BEATS_PER_BOUND).min(BEAT_MAX);
        let mut failing: Option<Instant> = None;
        loop {
            tokio::select! {
                () = sleep(beat) => {}
                () = self.wanted.notified() => {}
                _ = hints.next() => {}
            }
            self.begun.fetch_add(1, Ordering::SeqCst);
            let round = timeout(self.bound, self.round()).await;
            failing = match (round, failing) {
                (Ok(Ok(())), _) => None,
                (Ok(Err(error)), None) => {
                    tracing::warn!(%error, "cannot follow the database; decisions stop soon");
                    Some(Instant::now())
                }
                (Err(_), None) => {
                    tracing::warn!("the database does not answer; decisions stop soon");
                    Some(Instant::now())
                }
                (_, Some(since)) if since.elapsed() > FAILING_MAX => {
                    // Maybe only the old connections are at fault. It fails for a bad address only.
                    let _ = self.store.leave_connections().await;
                    Some(Instant::now())
                }
                (_, since) => since,
            };
            self.rounds.send_modify(|round| *round += 1);
            sleep(REST).await;
        }
    }

    /// One round: asks for all heads, then brings every snapshot that is behind up to its own.
    async fn round(&self) -> Result<()> {
        let asked_at = self.clock.since_boot();
        let organizations: Vec<OrganizationId> = self.read_slots().keys().copied().collect();
        let heads = self.store.feed().heads(&organizations).await?;
        self.compare_clocks(heads.database_time);
        let mut gone = organizations;
        for head in heads.heads {
            gone.retain(|organization| *organization != head.organization);
            self.bring(head, asked_at).await?;
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|organization, _| !gone.contains(organization));
        Ok(())
    }

    /// A replica whose clock is off by more than the bound judges expiry wrongly.
    fn compare_clocks(&self, database: time::OffsetDateTime) {
        let apart = (self.clock.now() - database).unsigned_abs();
        let agrees = apart <= self.bound || !self.clock.is_real();
        if self.clock_agrees.swap(agrees, Ordering::Relaxed) && !agrees {
            tracing::error!(
                ?apart,
                "the clocks of this machine and of the database disagree"
            );
        }
    }

    /// Brings one snapshot up to its head, and notes that it was there when the head was asked.
    async fn bring(&self, head: Head, asked_at: Duration) -> Result<()> {
        let Some(slot) = self.slot(head.organization) else {
            return Ok(());
        };
        if self.apply_changes(&slot, &head).await? {
            slot.prove(asked_at);
            return Ok(());
        }
        self.load(head.organization).await
    }

    /// Applies what was committed since; false when the snapshot must be built anew.
    async fn apply_changes(&self, slot: &Slot, head: &Head) -> Result<bool> {
        let _guard = slot.loading.lock().await;
        let Some(mut snapshot) = slot.snapshot.load_full() else {
            return Ok(false);
        };
        let known = snapshot.revision();
        if slot.epoch.load(Ordering::Acquire) != head.epoch || head.revision < known {
            return Ok(false);
        }
        if head.revision == known {
            return Ok(true);
        }
        let feed = self.store.feed();
        let changes = feed
            .changes(head.organization, known, head.revision)
            .await?;
        let Some(changes) = changes else {
            return Ok(false);
        };
        for (revision, changes) in changes {
            snapshot = Arc::new(snapshot.apply(revision, &changes));
        }
        let now_s = self.clock.now().unix_timestamp();
        slot.snapshot
            .store(Some(Arc::new(snapshot.forget_ended_sessions(now_s))));
        Ok(true)
    }

    /// Builds a snapshot from the rows; callers that come at the same time share one build.
    async fn load(&self, organization: OrganizationId) -> Result<()> {
        let slot = self.slot_or_new(organization);
        let before = slot.proven_us();
        let _guard = slot.loading.lock().await;
        if slot.snapshot.load().is_some() && slot.proven_us() > before {
            return Ok(());
        }
        let asked_at = self.clock.since_boot();
        match self
            .store
            .feed()
            .facts(organization, self.clock.now())
            .await
        {
            Ok(facts) => {
                let snapshot = Snapshot::build(organization, facts.revision, facts.facts);
                slot.epoch.store(facts.epoch, Ordering::Release);
                slot.snapshot.store(Some(Arc::new(snapshot)));
                slot.prove(asked_at);
                Ok(())
            }
            Err(StoreError::NotFound { .. }) => {
                let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
                slots.remove(&organization);
                Err(gatepost_core::claims::Ended::OrganizationGone.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn slot(&self, organization: OrganizationId) -> Option<Arc<Slot>> {
        if organization == self.system.0 {
            return Some(Arc::clone(&self.system.1));
        }
        self.read_slots().get(&organization).map(Arc::clone)
    }

    fn slot_or_new(&self, organization: OrganizationId) -> Arc<Slot> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(organization).or_default())
    }

    fn read_slots(&self) -> std::sync::RwLockReadGuard<'_, HashMap<OrganizationId, Arc<Slot>>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn proven_us(&self) -> u64 {
        self.proven_at_us.load(Ordering::Acquire)
    }

    fn prove(&self, asked_at: Duration) {
        let asked_at_us = u64::try_from(asked_at.as_micros()).unwrap_or(u64::MAX);
        self.proven_at_us.fetch_max(asked_at_us, Ordering::Release);
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
