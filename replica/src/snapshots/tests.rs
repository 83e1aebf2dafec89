//! Snapshots over a source that is told to be slow, silent, broken or of another epoch.

mod clocks;
mod fake;
mod feeding;
mod loading;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures::future::join_all;
use gatepost_core::feed::Hint;
use gatepost_proto::ErrorReason;
use tokio::time::{Instant, sleep, timeout};

use crate::present::{Present, Want};
use fake::{Stage, id};

/// How long a busy machine may take for what should take no time.
const PATIENCE: Duration = Duration::from_secs(20);
/// A bound within which tests can wait for what happens past it.
const BOUND: Duration = Duration::from_millis(400);
const HOUR: Duration = Duration::from_hours(1);

impl Stage {
    async fn get(&self, organization: u128, want: Want) -> Result<Present, ErrorReason> {
        let present = self.snapshots.get(id(organization), want).await;
        present.map_err(|error| error.reason())
    }

    /// Asks until there is an answer: a busy machine may need more than the 50 ms.
    async fn patiently(&self, organization: u128, want: Want) -> Present {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.get(organization, want).await {
                Ok(present) => return present,
                Err(reason) => assert!(Instant::now() < deadline, "{reason:?}"),
            }
        }
    }

    fn asked(&self) -> (usize, usize) {
        (self.fake.facts.load(SeqCst), self.fake.changes.load(SeqCst))
    }
}

#[tokio::test]
async fn a_change_is_applied_and_nothing_is_loaded_again() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 3);
    let before = stage.patiently(1, Want::default()).await;
    assert_eq!(
        (before.revision(), before.organization.groups().count()),
        (1, 3)
    );
    let revision = stage.fake.write(id(1));
    let after = stage.patiently(1, Want::at_least(revision)).await;
    assert_eq!(
        (after.revision(), after.organization.groups().count()),
        (2, 4)
    );
    // Once for the system organization, once for this one.
    assert_eq!(stage.asked(), (2, 1));
    assert!(after.freshness.lag > Duration::ZERO && after.freshness.lag < PATIENCE);
    assert_eq!(before.organization.groups().count(), 3);
}

#[tokio::test]
async fn a_hint_is_followed_without_anybody_asking() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    let revision = stage.fake.write(id(1));
    let begun = Instant::now();
    stage.fake.hint(id(1));
    while stage.patiently(1, Want::default()).await.revision() < revision {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_hint_at_an_organization_that_nobody_uses_costs_nothing() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    sleep(Duration::from_millis(100)).await;
    let before = stage.fake.heads.load(SeqCst);
    for _ in 0..50 {
        stage.fake.hint(id(1));
        sleep(Duration::from_millis(2)).await;
    }
    // The beat may have come by, once a second.
    assert!(stage.fake.heads.load(SeqCst) <= before + 1);
}

#[tokio::test]
async fn a_gap_in_the_feed_means_loading_anew() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 1);
    stage.patiently(1, Want::default()).await;
    let revision = stage.fake.write(id(1));
    stage.fake.lose_feed(id(1));
    let present = stage.patiently(1, Want::at_least(revision)).await;
    assert_eq!(present.organization.groups().count(), 2);
    assert_eq!(stage.asked(), (3, 1));
}

#[tokio::test]
async fn another_epoch_means_loading_anew_even_at_a_lower_revision() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 1);
    stage.patiently(1, Want::default()).await;
    let revision = stage.fake.write(id(1));
    stage.patiently(1, Want::at_least(revision)).await;
    stage.fake.begin_epoch(id(1));
    let fresh = Want::default().and_fully_fresh();
    let present = stage.patiently(1, fresh).await;
    assert_eq!(
        (present.revision(), present.organization.groups().count()),
        (1, 0)
    );
}

#[tokio::test]
async fn an_answer_from_before_does_not_take_a_newer_snapshot_back() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 1);
    stage.patiently(1, Want::default()).await;
    let revision = stage.fake.write(id(1));
    stage.patiently(1, Want::at_least(revision)).await;
    let loads = stage.asked().0;
    // Another server behind the same address, which has not heard of the write.
    stage.fake.found(id(1), 1);
    stage.fake.be_old(Duration::from_secs(30));
    let heads = stage.fake.heads.load(SeqCst);
    while stage.fake.heads.load(SeqCst) < heads + 3 {
        stage.fake.hint(id(1));
        sleep(Duration::from_millis(5)).await;
    }
    let present = stage.patiently(1, Want::default()).await;
    assert_eq!((present.revision(), stage.asked().0), (revision, loads));
}

#[tokio::test]
async fn many_callers_share_one_load() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 5);
    stage.fake.hold(id(1));
    let callers = (0..200).map(|_| stage.get(1, Want::default()));
    let (answers, ()) = tokio::join!(join_all(callers), async {
        sleep(Duration::from_millis(50)).await;
        stage.fake.let_go(id(1));
    });
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(stage.asked().0, 2);
}

#[tokio::test]
async fn a_load_that_fails_is_told_to_all_who_wait_and_tried_again() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 5);
    stage.fake.hold(id(1));
    let callers = (0..20).map(|_| stage.get(1, Want::default()));
    let (answers, ()) = tokio::join!(join_all(callers), async {
        sleep(Duration::from_millis(50)).await;
        stage.fake.break_down(true);
        stage.fake.let_go(id(1));
    });
    for answer in answers {
        assert_eq!(answer.unwrap_err(), ErrorReason::StoreUnavailable);
    }
    stage.fake.break_down(false);
    assert_eq!(
        stage
            .patiently(1, Want::default())
            .await
            .organization
            .groups()
            .count(),
        5
    );
}

#[tokio::test]
async fn an_organization_that_is_gone_says_so() {
    let stage = Stage::quiet().await;
    let nobody = stage.get(9, Want::default()).await;
    assert_eq!(nobody.unwrap_err(), ErrorReason::OrganizationGone);
    stage.fake.found(id(1), 1);
    stage.patiently(1, Want::default()).await;
    stage.fake.end(id(1));
    let begun = Instant::now();
    loop {
        let fresh = Want::default().and_fully_fresh();
        if stage.get(1, fresh).await.err() == Some(ErrorReason::OrganizationGone) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE);
    }
}

/// While `work` lasts, organization 2 is asked without a pause, and never stale.
async fn nobody_else_waits(stage: &Stage, work: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < work {
        let present = stage.get(2, Want::default()).await;
        let age = present.map(|present| present.freshness.age);
        assert!(age.is_ok_and(|age| age <= BOUND), "{age:?}");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_load_makes_nobody_else_stale() {
    let stage = Stage::new(BOUND, usize::MAX).await;
    stage.fake.found(id(1), 5);
    stage.fake.found(id(2), 1);
    stage.patiently(2, Want::default()).await;
    stage.fake.hold(id(1));
    let (slow, ()) = tokio::join!(stage.get(1, Want::default()), async {
        nobody_else_waits(&stage, BOUND * 3).await;
        stage.fake.let_go(id(1));
    });
    assert_eq!(slow.unwrap().organization.groups().count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_catches_up_slowly_makes_only_itself_stale() {
    let stage = Stage::new(BOUND, usize::MAX).await;
    stage.fake.found(id(1), 5);
    stage.fake.found(id(2), 1);
    stage.patiently(1, Want::default()).await;
    stage.patiently(2, Want::default()).await;
    stage.fake.hold(id(1));
    let revision = stage.fake.write(id(1));
    nobody_else_waits(&stage, BOUND * 3).await;
    let refused = stage.get(1, Want::default()).await;
    assert_eq!(refused.unwrap_err(), ErrorReason::Stale);
    stage.fake.let_go(id(1));
    assert_eq!(
        stage.patiently(1, Want::default()).await.revision(),
        revision
    );
}

#[tokio::test]
async fn the_longest_unused_goes_first_and_comes_back_when_it_is_used() {
    // A beat every 100 ms, and room for two of three organizations.
    let stage = Stage::new(BOUND, 1).await;
    let weight = {
        stage.fake.found(id(1), 100);
        let present = stage.patiently(1, Want::default()).await;
        present.organization.approximate_bytes() + present.system.approximate_bytes()
    };
    let own = stage.patiently(1, Want::default()).await.organization;
    let room = weight + own.approximate_bytes() * 3 / 2;
    let stage = Stage::new(BOUND, room).await;
    for organization in 1..=3 {
        stage.fake.found(id(organization), 100);
    }
    stage.patiently(1, Want::default()).await;
    sleep(BOUND).await;
    stage.patiently(2, Want::default()).await;
    sleep(BOUND).await;
    stage.patiently(1, Want::default()).await;
    sleep(BOUND).await;
    assert_eq!(stage.asked().0, 3);
    // 2 was used the longest ago: it makes room for 3, and 1 stays.
    stage.patiently(3, Want::default()).await;
    stage.patiently(1, Want::default()).await;
    assert_eq!(stage.asked().0, 4);
    stage.patiently(2, Want::default()).await;
    assert_eq!(stage.asked().0, 5);
}

#[tokio::test]
async fn an_organization_larger_than_the_budget_is_served_and_the_system_stays() {
    let stage = Stage::new(BOUND, 1).await;
    for organization in 1..=2 {
        stage.fake.found(id(organization), 100);
    }
    for _ in 0..3 {
        for organization in 1..=2 {
            stage.patiently(organization, Want::default()).await;
            // It stays until another one is loaded.
            stage.patiently(organization, Want::default()).await;
        }
    }
    // The system organization once, then one load for each turn.
    assert_eq!(stage.asked().0, 1 + 6);
}

#[tokio::test]
async fn fully_fresh_knows_what_was_committed_before_the_question() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    for _ in 0..20 {
        let revision = stage.fake.write(id(1));
        let asked = Instant::now();
        let present = stage.patiently(1, Want::default().and_fully_fresh()).await;
        assert_eq!(present.revision(), revision);
        assert!(present.freshness.age <= asked.elapsed());
    }
}

#[tokio::test]
async fn fully_fresh_is_refused_after_50_ms_and_the_rest_goes_on() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    stage.fake.silence(true);
    let begun = Instant::now();
    let refused = stage.get(1, Want::default().and_fully_fresh()).await;
    let took = begun.elapsed();
    assert_eq!(refused.unwrap_err(), ErrorReason::Stale);
    assert!(took >= Duration::from_millis(50), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(stage.get(1, Want::default()).await.is_ok());
    stage.fake.silence(false);
    stage.patiently(1, Want::default().and_fully_fresh()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fully_fresh_is_no_lever_to_load_the_source() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    let fresh = Want::default().and_fully_fresh();
    stage.patiently(1, fresh).await;
    let (before, begun) = (stage.fake.heads.load(SeqCst), Instant::now());
    for _ in 0..10 {
        join_all((0..500).map(|_| stage.get(1, fresh))).await;
    }
    let asked = stage.fake.heads.load(SeqCst) - before;
    let most = begun.elapsed().as_millis() as usize / 4 + 2;
    assert!(asked <= most.min(5_000 / 25), "{asked} of {most}");
    let begun = Instant::now();
    let before = stage.fake.heads.load(SeqCst);
    while begun.elapsed() < Duration::from_millis(300) {
        let _ = stage.get(1, fresh).await;
    }
    let asked = stage.fake.heads.load(SeqCst) - before;
    let most = begun.elapsed().as_millis() as usize / 4 + 2;
    assert!(asked <= most, "{asked} of {most}");
}

#[tokio::test]
async fn a_revision_that_is_not_there_is_refused_after_one_round() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    sleep(Duration::from_millis(20)).await;
    let before = stage.fake.heads.load(SeqCst);
    let refused = stage.get(1, Want::at_least(1_000)).await;
    assert_eq!(refused.unwrap_err(), ErrorReason::RevisionAhead);
    // The beat may have come by.
    assert!(stage.fake.heads.load(SeqCst) <= before + 2);
}

#[tokio::test]
async fn past_the_bound_there_are_refusals_only_until_the_source_is_back() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    stage.fake.break_down(true);
    stage.clock.advance(Duration::from_secs(30));
    let old = stage.get(1, Want::default()).await.unwrap();
    assert!(old.freshness.age >= Duration::from_secs(30));
    assert!(stage.snapshots.ready());
    stage.clock.advance(Duration::from_secs(31));
    let refused = stage.get(1, Want::default()).await;
    assert_eq!(refused.unwrap_err(), ErrorReason::Stale);
    assert!(!stage.snapshots.ready());
    stage.fake.break_down(false);
    let fresh = stage.patiently(1, Want::default()).await;
    assert!(fresh.freshness.age < Duration::from_secs(30));
    assert!(stage.snapshots.ready());
}

#[tokio::test]
async fn what_a_server_knows_from_its_own_snapshots_is_as_old_as_those() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.fake.be_old(Duration::from_secs(20));
    let present = stage.patiently(1, Want::default()).await;
    assert!(present.freshness.age >= Duration::from_secs(20));
    // Nothing from such a server is newer than the question.
    let refused = stage.get(1, Want::default().and_fully_fresh()).await;
    assert_eq!(refused.unwrap_err(), ErrorReason::Stale);
    stage.fake.found(id(2), 0);
    stage.fake.be_old(Duration::from_secs(61));
    let refused = timeout(PATIENCE, stage.get(2, Want::default())).await;
    assert_eq!(refused.unwrap().unwrap_err(), ErrorReason::Stale);
}

#[tokio::test]
async fn work_that_hangs_ends_when_the_connections_are_left() {
    let stage = Stage::new(BOUND, usize::MAX).await;
    stage.fake.found(id(1), 0);
    stage.fake.hold(id(1));
    let waiting = stage.get(1, Want::default());
    let (answer, ()) = tokio::join!(waiting, async {
        stage.fake.break_down(true);
        let begun = Instant::now();
        while stage.fake.cuts.load(SeqCst) == 0 {
            assert!(begun.elapsed() < PATIENCE);
            sleep(Duration::from_millis(10)).await;
        }
        stage.fake.break_down(false);
        stage.fake.let_go(id(1));
    });
    assert_eq!(answer.unwrap_err(), ErrorReason::StoreUnavailable);
    stage.patiently(1, Want::default()).await;
}

#[tokio::test]
async fn what_is_handed_on_is_of_the_age_that_it_has_here() {
    let stage = Stage::quiet().await;
    for organization in 1..=2 {
        stage.fake.found(id(organization), 0);
    }
    stage.patiently(1, Want::default()).await;
    stage.fake.silence(true);
    stage.clock.advance(Duration::from_secs(20));
    let heads = stage.snapshots.heads(&[id(0), id(1)], HOUR).await.unwrap();
    assert_eq!(heads.heads.len(), 2);
    assert!(heads.age_us >= 20_000_000, "{heads:?}");
    stage.fake.silence(false);
    // The source is asked for what is not loaded, and knows that there is no third.
    let heads = stage.snapshots.heads(&[id(2), id(3)], HOUR).await.unwrap();
    let known: Vec<_> = heads.heads.iter().map(|head| head.organization).collect();
    assert_eq!((known, heads.age_us), (vec![id(2)], 0));
    let revision = stage.fake.write(id(1));
    let heads = stage
        .snapshots
        .heads(&[id(1)], Duration::ZERO)
        .await
        .unwrap();
    assert_eq!((heads.heads[0].revision, heads.age_us), (revision, 0));
}

#[tokio::test]
async fn news_come_when_decisions_are_made_from_it_and_end_with_the_replica() {
    let stage = Stage::quiet().await;
    stage.fake.found(id(1), 0);
    stage.patiently(1, Want::default()).await;
    let mut news = stage.snapshots.news();
    let revision = stage.fake.write(id(1));
    stage.fake.hint(id(1));
    let heard = timeout(PATIENCE, news.next()).await.unwrap();
    assert_eq!(heard, Some(Hint::Organization(id(1))));
    let present = stage.get(1, Want::default()).await.unwrap();
    assert_eq!(present.revision(), revision);
    // Nobody decides from it here, but somebody who is fed may.
    stage.fake.hint(id(7));
    let heard = timeout(PATIENCE, news.next()).await.unwrap();
    assert_eq!(heard, Some(Hint::Organization(id(7))));
    stage.snapshots.close_news();
    assert_eq!(timeout(PATIENCE, news.next()).await.unwrap(), None);
}
