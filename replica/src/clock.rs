//! Time and identity, as arguments: the only place of the program that reads a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use time::OffsetDateTime;
use uuid::{NoContext, Timestamp, Uuid};

/// Where the program gets the time from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clocks.
    System,
    /// The machine's clocks, moved by as much as a test says.
    Moved(Arc<Offset>),
}

/// How far a test has moved the clock.
#[derive(Debug, Default)]
pub struct Offset {
    milliseconds: AtomicI64,
}

impl Offset {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.milliseconds.fetch_add(milliseconds, Ordering::SeqCst);
    }

    fn get(&self) -> i64 {
        self.milliseconds.load(Ordering::SeqCst)
    }
}

impl Clock {
    /// The time of day, in UTC.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock everybody else asks"
    )]
    pub fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::from(std::time::SystemTime::now());
        match self {
            Clock::System => now,
            Clock::Moved(offset) => now + time::Duration::milliseconds(offset.get()),
        }
    }

    /// Time since the machine started, counting the time it was suspended.
    ///
    /// Freshness is measured on this clock: a replica that was stopped and goes on must not
    /// believe that it is as fresh as it was (invariant 4).
    pub fn since_boot(&self) -> Duration {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let since = Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default());
        match self {
            Clock::System => since,
            Clock::Moved(offset) => {
                since + Duration::from_millis(u64::try_from(offset.get()).unwrap_or_default())
            }
        }
    }

    /// Whether this is the machine's own clock, so that comparing it with the database's means
    /// something.
    pub fn is_real(&self) -> bool {
        matches!(self, Clock::System)
    }
}

/// A new id: a `UUIDv7` of this moment.
pub fn new_id(now: OffsetDateTime) -> Uuid {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_clock_moves_both_times() {
        let offset = Arc::new(Offset::default());
        let clock = Clock::Moved(Arc::clone(&offset));
        let (day, boot) = (clock.now(), clock.since_boot());
        offset.advance(Duration::from_hours(1));
        assert!(clock.now() - day >= time::Duration::seconds(3600));
        assert!(clock.since_boot() >= boot + Duration::from_hours(1));
    }

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let early = new_id(OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000));
        let late = new_id(OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_001));
        assert_eq!(early.get_version_num(), 7);
        assert!(early < late);
    }
}
