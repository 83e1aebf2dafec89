//! Whose clock may say what is due.

use super::PATIENCE;
use super::fake::Fake;
use crate::clock::Clock;

#[tokio::test]
async fn a_clock_that_is_off_by_more_than_the_bound_says_nothing() {
    let fake = Fake::new();
    let snapshots = fake.snapshots(Clock::System, PATIENCE, usize::MAX).await;
    let now_us = || i64::try_from(Clock::System.now().unix_timestamp_nanos() / 1_000).unwrap();
    let bound_us = i64::try_from(PATIENCE.as_micros()).unwrap();
    assert!(snapshots.agrees_with(now_us()));
    for off_us in [-bound_us - 1, 2 * bound_us] {
        assert!(!snapshots.agrees_with(now_us() + off_us), "{off_us}");
    }
}
