//! A source that does as it is told, and counts what it is asked.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{StreamExt, stream};
use gatepost_core::feed::{Facts, Head, Heads, Hint, Steps};
use gatepost_core::{Change, Fact, GroupId, OrganizationId, Revision};
use gatepost_proto::ErrorReason;
use time::OffsetDateTime;
use tokio::sync::{broadcast, watch};
use tokio::time::sleep;
use uuid::Uuid;

use crate::clock::{Clock, Offset};
use crate::error::{Error, Result};
use crate::snapshots::{SnapshotConfig, Snapshots};
use crate::source::{FactParts, Hints, Source};

/// An organization as the source remembers it.
#[derive(Clone)]
struct Remembered {
    revision: Revision,
    epoch: u64,
    facts: Vec<Fact>,
    feed: Steps,
}

/// The source.
pub struct Fake {
    organizations: Mutex<HashMap<OrganizationId, Remembered>>,
    /// Organizations whose facts and changes do not come before they are let go.
    held: watch::Sender<HashSet<OrganizationId>>,
    /// How many questions for changes of an organization are never answered.
    lost: Mutex<HashMap<OrganizationId, usize>>,
    /// How long each part of the facts takes.
    pace: Mutex<Duration>,
    /// Whether heads do not come at all.
    silent: watch::Sender<bool>,
    down: AtomicBool,
    age: Mutex<Duration>,
    hints: broadcast::Sender<Hint>,
    pub heads: AtomicUsize,
    pub newest: AtomicUsize,
    pub facts: AtomicUsize,
    pub changes: AtomicUsize,
    pub cuts: AtomicUsize,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        let fake = Self {
            organizations: Mutex::default(),
            held: watch::Sender::default(),
            lost: Mutex::default(),
            pace: Mutex::default(),
            silent: watch::Sender::default(),
            down: AtomicBool::new(false),
            age: Mutex::default(),
            hints: broadcast::channel(64).0,
            heads: AtomicUsize::new(0),
            newest: AtomicUsize::new(0),
            facts: AtomicUsize::new(0),
            changes: AtomicUsize::new(0),
            cuts: AtomicUsize::new(0),
        };
        fake.found(id(0), 0);
        Arc::new(fake)
    }

    /// Makes an organization of so many groups, at revision 1.
    pub fn found(&self, organization: OrganizationId, groups: u128) {
        let remembered = Remembered {
            revision: 1,
            epoch: 1,
            facts: (0..groups).map(group).collect(),
            feed: vec![(1, Vec::new())],
        };
        self.lock().insert(organization, remembered);
    }

    /// Commits a new group; answers its revision.
    pub fn write(&self, organization: OrganizationId) -> Revision {
        let mut organizations = self.lock();
        let remembered = organizations.get_mut(&organization).unwrap();
        let fact = group(1_000_000 + u128::from(remembered.revision));
        let change = Change {
            before: None,
            after: Some(fact.clone()),
        };
        remembered.revision += 1;
        remembered.facts.push(fact);
        remembered.feed.push((remembered.revision, vec![change]));
        remembered.revision
    }

    /// Commits so many new groups, one after the other; answers the last revision.
    pub fn write_many(&self, organization: OrganizationId, count: usize) -> Revision {
        (0..count).fold(0, |_, _| self.write(organization))
    }

    /// Counts revisions anew, from 1, with no group.
    pub fn begin_epoch(&self, organization: OrganizationId) {
        let mut organizations = self.lock();
        let remembered = organizations.get_mut(&organization).unwrap();
        remembered.epoch += 1;
        remembered.revision = 1;
        remembered.facts.clear();
        remembered.feed = vec![(1, Vec::new())];
    }

    /// Loses what changed.
    pub fn lose_feed(&self, organization: OrganizationId) {
        let mut organizations = self.lock();
        organizations.get_mut(&organization).unwrap().feed.clear();
    }

    pub fn end(&self, organization: OrganizationId) {
        self.lock().remove(&organization);
    }

    pub fn hold(&self, organization: OrganizationId) {
        self.held.send_modify(|held| {
            held.insert(organization);
        });
    }

    pub fn let_go(&self, organization: OrganizationId) {
        self.held.send_modify(|held| {
            held.remove(&organization);
        });
    }

    pub fn lose_changes(&self, organization: OrganizationId, times: usize) {
        self.lost.lock().unwrap().insert(organization, times);
    }

    /// Tells a fact at a time, each after so long.
    pub fn tell_slowly(&self, pace: Duration) {
        *self.pace.lock().unwrap() = pace;
    }

    pub fn silence(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    pub fn break_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Answers with what was so a while ago, as a server does that answers from snapshots.
    pub fn be_old(&self, age: Duration) {
        *self.age.lock().unwrap() = age;
    }

    pub fn hint(&self, organization: OrganizationId) {
        self.hints.send(Hint::Organization(organization)).unwrap();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrganizationId, Remembered>> {
        self.organizations.lock().unwrap()
    }

    fn check(&self) -> Result<()> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorReason::StoreUnavailable, "down"));
        }
        Ok(())
    }

    async fn wait_for(&self, organization: OrganizationId) {
        let mut held = self.held.subscribe();
        let free = held.wait_for(|held| !held.contains(&organization)).await;
        drop(free.unwrap());
    }

    fn parts(&self, facts: &[Fact]) -> FactParts<'static> {
        let pace = *self.pace.lock().unwrap();
        if pace.is_zero() {
            return stream::iter([Ok(facts.to_vec())]).boxed();
        }
        let tell = move |fact| async move {
            sleep(pace).await;
            Ok(vec![fact])
        };
        stream::iter(facts.to_vec()).then(tell).boxed()
    }

    fn age_us(&self) -> u64 {
        u64::try_from(self.age.lock().unwrap().as_micros()).unwrap()
    }
}

#[tonic::async_trait]
impl Source for Fake {
    async fn heads(&self, organizations: &[OrganizationId], age_max: Duration) -> Result<Heads> {
        self.newest
            .fetch_add(usize::from(age_max.is_zero()), Ordering::SeqCst);
        self.heads.fetch_add(1, Ordering::SeqCst);
        let mut silent = self.silent.subscribe();
        drop(silent.wait_for(|silent| !silent).await.unwrap());
        self.check()?;
        let remembered = self.lock();
        let heads = organizations.iter().filter_map(|organization| {
            let found = remembered.get(organization)?;
            Some(Head {
                organization: *organization,
                revision: found.revision,
                epoch: found.epoch,
            })
        });
        Ok(Heads {
            heads: heads.collect(),
            time_us: 0,
            age_us: self.age_us(),
        })
    }

    async fn facts(
        &self,
        organization: OrganizationId,
        _: OffsetDateTime,
    ) -> Result<Option<Facts<FactParts<'_>>>> {
        self.facts.fetch_add(1, Ordering::SeqCst);
        self.wait_for(organization).await;
        self.check()?;
        let remembered = self.lock();
        Ok(remembered.get(&organization).map(|found| Facts {
            revision: found.revision,
            epoch: found.epoch,
            age_us: self.age_us(),
            parts: self.parts(&found.facts),
        }))
    }

    async fn changes(&self, from: Head, up_to: Revision) -> Result<Option<Steps>> {
        let (organization, after) = (from.organization, from.revision);
        self.changes.fetch_add(1, Ordering::SeqCst);
        let is_lost = self
            .lost
            .lock()
            .unwrap()
            .get_mut(&organization)
            .is_some_and(|times| {
                let is_lost = *times > 0;
                *times = times.saturating_sub(1);
                is_lost
            });
        if is_lost {
            return pending().await;
        }
        self.wait_for(organization).await;
        self.check()?;
        let remembered = self.lock();
        let feed = remembered[&organization].feed.iter();
        let steps: Steps = feed
            .filter(|(revision, _)| (after + 1..=up_to).contains(revision))
            .cloned()
            .collect();
        Ok((steps.len() as u64 == up_to - after).then_some(steps))
    }

    async fn leave_connections(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }

    fn hints(self: Arc<Self>) -> Hints {
        let next = |mut hints: broadcast::Receiver<Hint>| async {
            let hint = hints.recv().await.unwrap_or(Hint::Everything);
            Some((hint, hints))
        };
        stream::unfold(self.hints.subscribe(), next).boxed()
    }
}

/// An organization; 0 is the system organization.
pub fn id(number: u128) -> OrganizationId {
    OrganizationId::new(Uuid::from_u128(number + 1))
}

fn group(number: u128) -> Fact {
    Fact::Group {
        id: GroupId::new(Uuid::from_u128(number)),
        name: format!("group-{number}"),
        built_in: false,
    }
}

impl Fake {
    /// Snapshots over this, without a follower.
    pub async fn snapshots(
        self: &Arc<Self>,
        clock: Clock,
        bound: Duration,
        budget_bytes: usize,
    ) -> Arc<Snapshots> {
        let config = SnapshotConfig {
            system: id(0),
            bound,
            single_tenant: false,
            budget_bytes,
            products: None,
            serves_system: true,
        };
        let source = Arc::clone(self);
        Snapshots::open(source, clock, config).await.unwrap()
    }
}

/// Snapshots over a fake, their follower at work, and a clock that can be moved.
pub struct Stage {
    pub fake: Arc<Fake>,
    pub snapshots: Arc<Snapshots>,
    pub clock: Arc<Offset>,
    following: tokio::task::JoinHandle<()>,
}

impl Stage {
    /// With a bound so long that the beat, one a second, disturbs no test.
    pub async fn quiet() -> Self {
        Self::new(Duration::from_mins(1), usize::MAX).await
    }

    pub async fn new(bound: Duration, budget_bytes: usize) -> Self {
        let fake = Fake::new();
        let clock = Arc::new(Offset::default());
        let moved = Clock::Moved(Arc::clone(&clock));
        let snapshots = fake.snapshots(moved, bound, budget_bytes).await;
        let following = tokio::spawn(Arc::clone(&snapshots).follow());
        Self {
            fake,
            snapshots,
            clock,
            following,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.following.abort();
    }
}
