//! The follower: asks where organizations stand, and has those that are behind brought there.
//!
//! A round asks one question for many organizations and proves those that stand where they should.
//! Whatever takes longer, applying changes or loading anew, is a task of that organization alone,
//! so that none makes the others stale.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use foldhash::{HashSet, HashSetExt};
use futures::stream::pending;
use futures::{FutureExt, StreamExt};
use gatepost_core::feed::{Head, Hint, Steps};
use gatepost_core::{OrganizationId, Snapshot};
use gatepost_proto::ErrorReason;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Snapshots;
use super::slot::{Failure, Known, Slot, Work};
use crate::error::{Error, Result};

/// The follower asks for everything this many times within one bound.
const BEATS_PER_BOUND: u32 = 4;
/// The slowest beat: a long bound is for outages, not for slow revocations.
const BEAT_MAX: Duration = Duration::from_secs(1);
/// When every round has failed for so long, new connections are tried.
const FAILING_MAX: Duration = Duration::from_secs(3);
/// Rest between two rounds, so that no flood of hints or of questions keeps the source busy.
const REST: Duration = Duration::from_millis(4);
/// Hints that one round answers at the most.
const HINTS_MAX: usize = 4_096;
/// How long changes may take to come. On a connection whose other end was lost without a word they
/// never do, while rounds on other connections go well: the next question goes out on another one.
const CHANGES_MAX: Duration = Duration::from_secs(5);
/// After so many questions in a row for changes that did not come, everything is loaded anew: one
/// revision may have changed so much. Not at the first: that may take longer than it saves.
const CHANGES_LATE_MAX: u32 = 2;
/// Revisions that are asked for at once.
const STEPS_MAX: u64 = 1_000;
/// Who is further behind than so many revisions had better load anew.
const BEHIND_MAX: u64 = 10_000;
/// More revisions than these are applied on a thread of their own.
const STEPS_INLINE_MAX: usize = 16;
/// An organization that changes is weighed again after so many beats.
const BEATS_PER_WEIGHING: u64 = 64;

impl Snapshots {
    /// Follows the heads until the task is dropped.
    pub async fn follow(self: Arc<Self>) {
        let beat = (self.config.bound / BEATS_PER_BOUND).min(BEAT_MAX);
        // A source whose hints have ended is still asked at each beat.
        let mut hints = Arc::clone(&self.source).hints().chain(pending());
        let mut next_beat = Instant::now();
        let mut failing: Option<Instant> = None;
        loop {
            tokio::select! {
                () = sleep_until(next_beat) => {}
                () = self.wanted.notified() => {}
                hint = hints.next() => {
                    // With one come all that wait: a round for each would fall behind.
                    let more = std::iter::from_fn(|| hints.next().now_or_never().flatten());
                    let heard: Vec<Hint> = hint.into_iter().chain(more).take(HINTS_MAX).collect();
                    if heard.contains(&Hint::Everything) {
                        next_beat = Instant::now();
                    } else if !self.note_hints(&heard) {
                        continue;
                    }
                }
            }
            let (organizations, newest) = if Instant::now() >= next_beat {
                next_beat = Instant::now() + beat;
                self.begin_beat()
            } else {
                self.take_wanted()
            };
            // Who waits wants the newest; else the age may take a part of the bound.
            let age_max = if newest {
                Duration::ZERO
            } else {
                self.config.bound / 2
            };
            let looked = timeout(self.config.bound, self.look(&organizations, age_max)).await;
            let looked = looked.unwrap_or_else(|_| Err(unavailable()));
            failing = self.judge(looked, failing).await;
            sleep(REST).await;
        }
    }

    /// Has the next round ask for what was hinted at; whether any of it matters here.
    fn note_hints(&self, hints: &[Hint]) -> bool {
        let mut matters = false;
        for hint in hints {
            let Hint::Organization(organization) = hint else {
                continue;
            };
            if self.slot(*organization).is_some() {
                self.note_wanted(*organization);
                matters = true;
            } else {
                self.tell(*organization);
            }
        }
        matters
    }

    /// Every organization, for the round of a beat, and whether somebody waits for the newest.
    fn begin_beat(&self) -> (Vec<OrganizationId>, bool) {
        let beat = self.beat.fetch_add(1, Ordering::Relaxed);
        self.sweep(beat);
        self.forget_steps();
        self.measure();
        let round = std::mem::take(&mut *self.next_round());
        (self.read_slots().keys().copied().collect(), round.newest)
    }

    /// Those that were hinted at or that somebody waits for, and the system organization, which
    /// every decision needs.
    fn take_wanted(&self) -> (Vec<OrganizationId>, bool) {
        let mut round = std::mem::take(&mut *self.next_round());
        round.organizations.insert(self.config.system);
        (round.organizations.into_iter().collect(), round.newest)
    }

    /// Takes note of a failed round; answers since when rounds fail.
    async fn judge(&self, looked: Result<()>, failing: Option<Instant>) -> Option<Instant> {
        match (looked, failing) {
            (Ok(()), _) => None,
            (Err(error), None) => {
                tracing::warn!(%error, "cannot follow the source; decisions stop soon");
                Some(Instant::now())
            }
            (Err(_), Some(since)) if since.elapsed() > FAILING_MAX => {
                // Maybe only the old connections are at fault, and whoever waits for one.
                self.cut.send_modify(|cuts| *cuts += 1);
                self.source.leave_connections().await;
                Some(Instant::now())
            }
            (Err(_), since) => since,
        }
    }

    /// One round: asks for the heads, proves what stands there, and has the rest brought there.
    async fn look(
        self: &Arc<Self>,
        organizations: &[OrganizationId],
        age_max: Duration,
    ) -> Result<()> {
        let asked_at = self.clock.since_boot();
        let heads = self.source.heads(organizations, age_max).await?;
        self.compare_clocks(heads.time_us);
        let mut gone: HashSet<OrganizationId> = HashSet::with_capacity(organizations.len());
        gone.extend(organizations);
        gone.remove(&self.config.system);
        let moment = asked_at.saturating_sub(Duration::from_micros(heads.age_us));
        for head in heads.heads {
            gone.remove(&head.organization);
            self.bring(head, asked_at, moment);
        }
        for organization in gone {
            self.forget(organization);
        }
        Ok(())
    }

    /// A replica whose clock is off by more than the bound judges expiry wrongly.
    fn compare_clocks(&self, theirs_us: i64) {
        let agrees = self.agrees_with(theirs_us);
        if self.clock_agrees.swap(agrees, Ordering::Relaxed) && !agrees {
            tracing::error!(
                apart = ?self.apart_from(theirs_us),
                "the clocks of this machine and of its source disagree"
            );
        }
    }

    /// Whether this machine's clock is no farther from the source's, in unix microseconds, than
    /// the bound, and so may say what is due.
    pub fn agrees_with(&self, theirs_us: i64) -> bool {
        self.apart_from(theirs_us) <= self.config.bound || !self.clock.is_real()
    }

    fn apart_from(&self, theirs_us: i64) -> Duration {
        let ours_us = self.clock.now().unix_timestamp_nanos() / 1_000;
        let apart_us = ours_us.abs_diff(i128::from(theirs_us));
        Duration::from_micros(u64::try_from(apart_us).unwrap_or(u64::MAX))
    }

    /// Notes that a snapshot stands where its head stood at that moment, or begins to bring it
    /// there.
    fn bring(self: &Arc<Self>, head: Head, asked_at: Duration, moment: Duration) {
        let Some(slot) = self.slot(head.organization) else {
            return;
        };
        // Who is at work on it proves it, too.
        let Some(work) = slot.try_work() else {
            return;
        };
        let Some(known) = slot.known().clone() else {
            return;
        };
        let revision = known.snapshot.revision();
        if head.epoch == known.epoch && head.revision == revision {
            known.prove(moment);
            slot.announce(None);
            return;
        }
        let is_back = head.epoch != known.epoch || head.revision < revision;
        if is_back && moment <= known.put_at {
            // The answer is older than the snapshot; the next one will say.
            return;
        }
        let behind = Behind {
            head,
            asked_at,
            moment,
            known: (!is_back).then_some(known),
        };
        tokio::spawn(Arc::clone(self).work(slot, behind, work));
    }

    /// Begins to load an organization, unless somebody is at work on it.
    pub(super) fn begin_load(self: &Arc<Self>, organization: OrganizationId, slot: &Arc<Slot>) {
        let Some(work) = slot.try_work() else {
            return;
        };
        if slot.is_loaded() {
            return;
        }
        let (this, slot) = (Arc::clone(self), Arc::clone(slot));
        self.runtime.spawn(async move {
            let loaded = this.unless_cut(this.load(organization, &slot)).await;
            this.finish(organization, &slot, loaded, work);
        });
    }

    /// The work on an organization that is behind: its changes if they are there, else all of it.
    async fn work(self: Arc<Self>, slot: Arc<Slot>, behind: Behind, work: Work) {
        let organization = behind.head.organization;
        let brought = self
            .unless_cut(async {
                if self.step(&slot, behind).await? {
                    return Ok(());
                }
                self.load(organization, &slot).await
            })
            .await;
        self.finish(organization, &slot, brought, work);
    }

    /// Forgets an organization that is gone.
    fn forget(&self, organization: OrganizationId) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.remove(&organization);
    }

    /// Lets the next one work, and tells all who wait.
    fn finish(&self, organization: OrganizationId, slot: &Slot, done: Result<()>, work: Work) {
        drop(work);
        let Err(error) = done else {
            slot.announce(None);
            return;
        };
        if error.reason() == ErrorReason::OrganizationGone {
            self.forget(organization);
        } else {
            tracing::warn!(%organization, %error, "cannot bring a snapshot up to date");
        }
        slot.announce(Some(Failure::from(&error)));
    }

    /// Applies what was committed since; false when the snapshot must be built anew.
    async fn step(&self, slot: &Slot, behind: Behind) -> Result<bool> {
        let Behind {
            head,
            asked_at,
            moment,
            known,
        } = behind;
        let Some(known) = known else {
            return Ok(false);
        };
        let from = Head {
            revision: known.snapshot.revision(),
            ..head
        };
        if head.revision.saturating_sub(from.revision) > BEHIND_MAX {
            return Ok(false);
        }
        let up_to = head.revision.min(from.revision + STEPS_MAX);
        let Ok(steps) = timeout(CHANGES_MAX, self.source.changes(from, up_to)).await else {
            return match slot.note_late_changes() {
                CHANGES_LATE_MAX.. => Ok(false),
                _ => Err(unavailable()),
            };
        };
        slot.forget_late_changes();
        let Some(steps) = steps? else {
            return Ok(false);
        };
        let kept = self.is_feeding().then(|| steps.clone());
        let now_s = self.clock.now().unix_timestamp();
        let old = Arc::clone(&known.snapshot);
        let snapshot = if steps.len() <= STEPS_INLINE_MAX {
            apply(old, steps, now_s)
        } else {
            let applied = spawn_blocking(move || apply(old, steps, now_s)).await;
            applied.map_err(|error| unavailable().because(error))?
        };
        let now = self.clock.since_boot();
        let beat = self.beat.load(Ordering::Relaxed);
        let is_there = up_to == head.revision;
        let proven_at = if is_there {
            moment.max(known.proven_at())
        } else {
            known.proven_at()
        };
        let weigh = beat.saturating_sub(slot.weighed_at()) >= BEATS_PER_WEIGHING;
        if weigh {
            slot.weigh(&snapshot, beat);
        }
        if let Some(steps) = kept {
            // Before anybody can see the revision, and ask how it came about.
            slot.window().keep(known.epoch, steps, now);
        }
        slot.put(Known::new(snapshot, known.epoch, now, proven_at));
        if weigh {
            self.keep_within_budget(head.organization);
        }
        let lag = now.saturating_sub(asked_at);
        slot.note_lag(lag);
        metrics::gauge!("gatepost_snapshot_lag_seconds").set(lag.as_secs_f64());
        self.tell(head.organization);
        if !is_there {
            self.want(head.organization);
        }
        Ok(true)
    }

    /// Does work until the connections were left that it may wait for.
    async fn unless_cut<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut cut = self.cut.subscribe();
        tokio::select! {
            done = work => done,
            _ = cut.changed() => Err(unavailable()),
        }
    }
}

/// An organization that is behind its head.
struct Behind {
    head: Head,
    /// When the question was asked that found it behind, since boot.
    asked_at: Duration,
    /// The moment of which the head is, since boot.
    moment: Duration,
    /// What changes can be applied to; none if everything must be loaded anew.
    known: Option<Arc<Known>>,
}

fn apply(mut snapshot: Arc<Snapshot>, steps: Steps, now_s: i64) -> Arc<Snapshot> {
    for (revision, changes) in steps {
        snapshot = Arc::new(snapshot.apply(revision, &changes));
    }
    Arc::new(snapshot.forget_ended_sessions(now_s))
}

pub(super) fn unavailable() -> Error {
    Error::new(ErrorReason::StoreUnavailable, "the source does not answer")
}
