//! Counts what must not pass in silence, and must not fill the log either.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A counter that says from time to time that it is time to tell of it.
#[derive(Debug)]
pub(super) struct Tally {
    since: Instant,
    every_ms: u64,
    next_ms: AtomicU64,
    count: AtomicU64,
}

impl Tally {
    /// Nothing yet; tell of it at most this often.
    pub(super) fn new(every: Duration) -> Self {
        Self {
            since: Instant::now(),
            every_ms: millis(every),
            next_ms: AtomicU64::new(0),
            count: AtomicU64::new(0),
        }
    }

    /// One more. Answers the count when it is time to tell of it, the first time at once.
    pub(super) fn add(&self) -> Option<u64> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = millis(self.since.elapsed());
        let next = self.next_ms.load(Ordering::Relaxed);
        let after = now.saturating_add(self.every_ms);
        let mine = now >= next
            && self
                .next_ms
                .compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        mine.then_some(count)
    }

    /// How many so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_at_once_and_then_rarely() {
        let tally = Tally::new(Duration::from_hours(1));
        assert_eq!(tally.add(), Some(1));
        for _ in 0..100 {
            assert_eq!(tally.add(), None);
        }
        assert_eq!(tally.count(), 101);
        let always = Tally::new(Duration::ZERO);
        assert_eq!([always.add(), always.add()], [Some(1), Some(2)]);
    }
}
