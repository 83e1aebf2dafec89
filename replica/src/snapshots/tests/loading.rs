//! Changes and loads that are late, far behind, long, or never come.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use gatepost_proto::ErrorReason;
use tokio::time::Instant;

use super::fake::{Stage, id};
use super::{BOUND, HOUR};
use crate::present::Want;
use crate::snapshots::load::PART_MAX;

/// A connection whose other end is gone takes the question for changes with it; the rounds, on
/// others, go well, so nobody leaves the connections.
#[tokio::test]
async fn changes_that_do_not_come_are_asked_for_again() {
    let stage = Stage::new(BOUND, usize::MAX).await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    stage.fake.lose_changes(id(1), 1);
    let revision = stage.fake.write(id(1));
    let present = stage.patiently(1, Want::at_least(revision)).await;
    assert_eq!(present.organization.groups().count(), 1);
    assert_eq!((stage.asked(), stage.fake.cuts.load(SeqCst)), ((2, 2), 0));
}

#[tokio::test]
async fn changes_that_never_come_are_loaded_anew() {
    let stage = Stage::new(BOUND, usize::MAX).await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    stage.fake.lose_changes(id(1), usize::MAX);
    let revision = stage.fake.write(id(1));
    let present = stage.patiently(1, Want::at_least(revision)).await;
    assert_eq!(present.organization.groups().count(), 1);
    assert_eq!((stage.asked(), stage.fake.cuts.load(SeqCst)), ((3, 2), 0));
}

#[tokio::test]
async fn who_is_far_behind_catches_up_in_pieces() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    let last = stage.fake.write_many(id(1), 2_500);
    let present = stage.patiently(1, Want::at_least(last)).await;
    assert_eq!(present.organization.groups().count(), 2_500);
    assert_eq!(stage.asked(), (2, 3));
    let last = stage.fake.write_many(id(1), 10_001);
    let present = stage.patiently(1, Want::at_least(last)).await;
    assert_eq!(present.organization.groups().count(), 12_501);
    assert_eq!(stage.asked(), (3, 3), "too far behind");
}

#[tokio::test]
async fn a_load_may_take_as_long_as_parts_come() {
    let stage = Stage::new(BOUND, usize::MAX).await;
    stage.fake.found(id(1), 15);
    stage.fake.tell_slowly(PART_MAX / 10);
    let begun = Instant::now();
    let present = stage.patiently(1, Want::default()).await;
    assert_eq!(present.organization.groups().count(), 15);
    assert!(begun.elapsed() >= PART_MAX);
    assert_eq!(stage.asked().0, 2, "loaded once");
}

#[tokio::test]
async fn a_part_that_never_comes_ends_the_load() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 2);
    stage.fake.tell_slowly(HOUR);
    let begun = Instant::now();
    let silent = stage.get(1, Want::default()).await;
    assert_eq!(silent.err(), Some(ErrorReason::StoreUnavailable));
    assert!(begun.elapsed() >= PART_MAX);
    stage.fake.tell_slowly(Duration::ZERO);
    let present = stage.patiently(1, Want::default()).await;
    assert_eq!(present.organization.groups().count(), 2);
    assert_eq!(stage.asked().0, 3);
}
