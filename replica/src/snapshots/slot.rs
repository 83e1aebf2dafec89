//! What is known of one organization, and who is at work on it.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use gatepost_core::Snapshot;
use gatepost_proto::ErrorReason;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::window::Window;
use crate::error::Error;

/// A snapshot with its own proof: no other snapshot is ever paired with it.
pub(super) struct Known {
    pub snapshot: Arc<Snapshot>,
    pub epoch: u64,
    /// When it took the place of the one before, since boot.
    pub put_at: Duration,
    /// Microseconds since boot before which every committed revision is in the snapshot.
    proven_at_us: AtomicU64,
}

/// One organization.
#[derive(Default)]
pub(super) struct Slot {
    known: ArcSwapOption<Known>,
    /// See [`crate::Freshness::lag`], in microseconds.
    lag_us: AtomicU64,
    /// The beat in which a decision last looked here.
    used_at: AtomicU64,
    bytes: AtomicUsize,
    /// The beat in which the bytes were counted.
    weighed_at: AtomicU64,
    /// Questions for changes in a row that were not answered in time.
    late_changes: AtomicU32,
    /// What changed lately, while somebody is fed.
    window: std::sync::Mutex<Window>,
    /// Held by the one task that changes what is known.
    work: Arc<Mutex<()>>,
    progress: watch::Sender<Progress>,
}

/// Sent when something was proven, or could not be loaded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub failure: Option<Failure>,
}

/// Why there is nothing, for all who wait for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    reason: ErrorReason,
    message: &'static str,
}

/// The right to change what is known of an organization.
pub(super) type Work = OwnedMutexGuard<()>;

impl Known {
    pub fn new(snapshot: Arc<Snapshot>, epoch: u64, put_at: Duration, proven_at: Duration) -> Self {
        Self {
            snapshot,
            epoch,
            put_at,
            proven_at_us: AtomicU64::new(micros(proven_at)),
        }
    }

    pub fn proven_at(&self) -> Duration {
        Duration::from_micros(self.proven_at_us.load(Ordering::Acquire))
    }

    /// Notes that the snapshot holds everything that was committed before this moment.
    pub fn prove(&self, moment: Duration) {
        self.proven_at_us
            .fetch_max(micros(moment), Ordering::Release);
    }
}

impl Slot {
    pub fn known(&self) -> Guard<Option<Arc<Known>>> {
        self.known.load()
    }

    pub fn is_loaded(&self) -> bool {
        self.known.load().is_some()
    }

    pub fn put(&self, known: Known) {
        self.known.store(Some(Arc::new(known)));
    }

    /// What changed lately, as far as it was kept.
    pub fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to work here, unless somebody has it.
    pub fn try_work(&self) -> Option<Work> {
        Arc::clone(&self.work).try_lock_owned().ok()
    }

    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Wakes all who wait: something is known, or `failure` says why nothing is.
    pub fn announce(&self, failure: Option<Failure>) {
        self.progress.send_replace(Progress { failure });
    }

    pub fn lag(&self) -> Duration {
        Duration::from_micros(self.lag_us.load(Ordering::Relaxed))
    }

    pub fn note_lag(&self, lag: Duration) {
        self.lag_us.store(micros(lag), Ordering::Relaxed);
    }

    /// Notes that changes did not come in time; answers how often in a row.
    pub fn note_late_changes(&self) -> u32 {
        self.late_changes.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn forget_late_changes(&self) {
        self.late_changes.store(0, Ordering::Relaxed);
    }

    /// Notes that a decision looked here in this beat. Most do so in the same beat as the one
    /// before, and write nothing.
    pub fn touch(&self, beat: u64) {
        if self.used_at.load(Ordering::Relaxed) != beat {
            self.used_at.store(beat, Ordering::Relaxed);
        }
    }

    pub fn used_at(&self) -> u64 {
        self.used_at.load(Ordering::Relaxed)
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn weigh(&self, snapshot: &Snapshot, beat: u64) {
        let bytes = snapshot.approximate_bytes();
        self.bytes.store(bytes, Ordering::Relaxed);
        self.weighed_at.store(beat, Ordering::Relaxed);
    }

    pub fn weighed_at(&self) -> u64 {
        self.weighed_at.load(Ordering::Relaxed)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            reason: error.reason(),
            message: error.message(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.reason, failure.message)
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
