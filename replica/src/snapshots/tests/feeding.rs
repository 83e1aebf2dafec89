//! What those who are fed are told, and what that costs the source.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures::future::join_all;
use gatepost_core::Revision;
use gatepost_core::feed::Head;
use tokio::time::{Instant, sleep, timeout};

use super::fake::{Stage, id};
use super::{HOUR, PATIENCE};
use crate::present::Want;

impl Stage {
    /// How many revisions of organization 1 follow this one, as somebody who is fed is told.
    async fn told(&self, after: Revision, up_to: Revision) -> Option<usize> {
        let from = Head {
            organization: id(1),
            revision: after,
            epoch: 1,
        };
        let steps = self.snapshots.changes(from, up_to).await.unwrap()?;
        let revisions: Vec<Revision> = steps.iter().map(|(revision, _)| *revision).collect();
        assert_eq!(revisions, (after + 1..=up_to).collect::<Vec<_>>());
        Some(steps.len())
    }

    fn changes_asked(&self) -> usize {
        self.asked().1
    }
}

#[tokio::test]
async fn fifty_who_are_fed_cost_the_source_no_more_than_one() {
    const FED: usize = 50;
    const WRITES: usize = 20;
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 3);
    stage.patiently(1, Want::default()).await;
    let mut fed: Vec<_> = (0..FED).map(|_| stage.snapshots.news()).collect();
    let (begun, heads) = (Instant::now(), stage.fake.heads.load(SeqCst));
    for _ in 0..WRITES {
        let revision = stage.fake.write(id(1));
        stage.fake.hint(id(1));
        let follow = fed.iter_mut().map(async |news| {
            timeout(PATIENCE, news.next()).await.unwrap();
            let heads = stage.snapshots.heads(&[id(1)], HOUR).await.unwrap();
            assert_eq!(heads.heads[0].revision, revision);
            assert_eq!(stage.told(revision - 1, revision).await, Some(1));
        });
        join_all(follow).await;
    }
    assert_eq!(stage.changes_asked(), WRITES, "one reading for each write");
    let rounds = stage.fake.heads.load(SeqCst) - heads;
    let beats = usize::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    assert!(rounds <= WRITES + beats, "{rounds} questions for heads");
}

#[tokio::test]
async fn who_was_away_for_long_is_told_by_the_source() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    // Nobody is fed yet, so that nothing is kept.
    let first = stage.fake.write(id(1));
    stage.patiently(1, Want::at_least(first)).await;
    let _fed = stage.snapshots.news();
    let second = stage.fake.write(id(1));
    stage.patiently(1, Want::at_least(second)).await;
    let asked = stage.changes_asked();
    assert_eq!(stage.told(first, second).await, Some(1));
    assert_eq!(stage.changes_asked(), asked);
    assert_eq!(stage.told(first - 1, second).await, Some(2));
    assert_eq!(stage.changes_asked(), asked + 1);
    // Later, what was kept is kept no more.
    stage.clock.advance(Duration::from_secs(11));
    let begun = Instant::now();
    while stage.changes_asked() == asked + 1 {
        assert!(begun.elapsed() < PATIENCE);
        assert_eq!(stage.told(first, second).await, Some(1));
        sleep(Duration::from_millis(20)).await;
    }
    // What the source has lost, it says so.
    stage.fake.lose_feed(id(1));
    assert_eq!(stage.told(first, second).await, None);
}
