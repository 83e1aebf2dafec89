//! Freshness, proven: replicas on PostgreSQL and Valkey under a stream of grants and revocations,
//! while they, the bus and the database are killed, paused and cut off. No request that is sent
//! later than the bound after the commit of a revocation is allowed on an older revision, with the
//! bus and without it (design, invariant 4).
//!
//! What is done, and in which order, hangs on a seed. `GATEPOST_CHAOS_SEED` gives it; else it is
//! another one each time, and printed.

#[path = "chaos/facts.rs"]
mod facts;
#[path = "chaos/history.rs"]
mod history;
#[path = "chaos/readers.rs"]
mod readers;
#[path = "chaos/scene.rs"]
mod scene;
#[path = "chaos/storm.rs"]
mod storm;
#[path = "chaos/writers.rs"]
mod writers;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use self::history::{Counts, History, Verdict};
use self::scene::{PATIENCE, PAUSE, REPLICAS, Scene};
use self::storm::Blow;
use self::writers::{Board, Held, Writer};

/// The staleness bound here: short, so that much happens past it.
const BOUND: Duration = Duration::from_millis(500);
/// Who write.
const WRITERS: usize = 6;
/// Who ask one replica.
const READERS: usize = 3;
/// How long it goes on when the storm is over, and how many revocations there must be by then.
const CALM: Duration = Duration::from_millis(1_500);
const REVOCATIONS_MIN: usize = 20;
/// Faults that are told in full.
const TOLD_MAX: usize = 3;

/// Two storms at once would be one machine too few.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_allowed_on_an_older_revision_past_the_bound() {
    let _alone = ONE_AT_A_TIME.lock().await;
    weather(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_allowed_on_an_older_revision_past_the_bound_without_a_bus() {
    let _alone = ONE_AT_A_TIME.lock().await;
    weather(false).await;
}

async fn weather(has_bus: bool) {
    let seed = seed();
    println!("GATEPOST_CHAOS_SEED={seed}");
    let scene = Arc::new(Scene::start(BOUND, has_bus, seed).await);
    let board = Arc::new(Board::default());
    let writers = (0..WRITERS).map(|writer| {
        let (scene, board) = (Arc::clone(&scene), Arc::clone(&board));
        Writer::new(scene, board, actor(100, writer), BOUND)
    });
    let writers = join_all(writers).await;
    let writing: Vec<_> = writers
        .into_iter()
        .map(|writer| tokio::spawn(writer.run()))
        .collect();
    let reading: Vec<_> = (0..READERS * REPLICAS)
        .map(|reader| {
            let (scene, board) = (Arc::clone(&scene), Arc::clone(&board));
            let replica = reader % REPLICAS;
            let number = actor(200, reader);
            tokio::spawn(readers::read(scene, board, replica, number, BOUND))
        })
        .collect();
    storm::rage(&scene, BOUND).await;
    let over = Instant::now();
    while over.elapsed() < CALM || scene.revocations() < REVOCATIONS_MIN {
        assert!(over.elapsed() < PATIENCE, "there is no stream");
        sleep(PAUSE).await;
    }
    scene.end();
    let mut held = Vec::new();
    for writer in writing {
        held.extend(writer.await.unwrap());
    }
    for reader in reading {
        reader.await.unwrap();
    }
    all_is_well(&scene, &held).await;
    let scene = Arc::into_inner(scene).expect("nobody else has it any more");
    judge(&scene.into_history(), has_bus, seed);
}

/// The seed of this run.
fn seed() -> u64 {
    match std::env::var("GATEPOST_CHAOS_SEED") {
        Ok(text) => text.parse().expect("GATEPOST_CHAOS_SEED is a number"),
        Err(_) => RandomState::new().hash_one(()),
    }
}

/// The number of one of those who act.
fn actor(first: u64, number: usize) -> u64 {
    first + u64::try_from(number).unwrap()
}

/// After the storm every replica answers right, and writes.
async fn all_is_well(scene: &Scene, held: &[Held]) {
    sleep(BOUND).await;
    for (replica, station) in scene.stations.iter().enumerate() {
        let begun = Instant::now();
        for Held {
            fact,
            is_granted,
            is_certain,
            ..
        } in held
        {
            loop {
                let verdict = readers::ask(scene, &station.rest, replica, fact, BOUND).await;
                let is_right = match verdict {
                    Verdict::Decided { allowed: true, .. } => {
                        assert!(*is_granted, "{replica} allows {fact:?}");
                        true
                    }
                    // A revocation that nobody knew of may have come through late.
                    Verdict::Decided { allowed: false, .. } | Verdict::Ended => {
                        !*is_granted || !*is_certain
                    }
                    Verdict::Unavailable | Verdict::Lost => false,
                };
                if is_right {
                    break;
                }
                let patient = begun.elapsed() < PATIENCE;
                assert!(patient, "{replica} about {fact:?}: {verdict:?}");
                sleep(PAUSE).await;
            }
        }
        loop {
            let path = "/v1/groups";
            let group = json!({"name": format!("after-the-storm-{replica}")});
            let request = station.rest.request(&scene.admin, "POST", path);
            let answer = station.rest.send(request.json(&group)).await;
            // Who finds it there has made it before.
            if answer
                .as_ref()
                .is_ok_and(|answer| [201, 409].contains(&answer.status))
            {
                break;
            }
            let patient = begun.elapsed() < PATIENCE;
            assert!(patient, "{replica} does not write: {answer:?}");
            sleep(PAUSE).await;
        }
    }
}

/// No answer was wrong, and the storm was one.
fn judge(history: &History, has_bus: bool, seed: u64) {
    let (all, late) = (history.counts(|_| true), history.late(BOUND));
    tell(history, &all, &late);
    let faults = history.faults(BOUND);
    if !faults.is_empty() {
        for fault in faults.iter().take(TOLD_MAX) {
            println!("{}", history.tell(fault));
        }
        panic!("{} faults; GATEPOST_CHAOS_SEED={seed}", faults.len());
    }
    for blow in Blow::all(has_bus) {
        was_felt(history, blow);
    }
    assert!(
        all.allowed > 0 && all.denied > 0 && all.ended > 0,
        "{all:?}"
    );
    assert!(all.unavailable > 0 && all.lost > 0, "{all:?}");
    assert_eq!(late.allowed, 0);
    assert!(late.denied + late.ended + late.unavailable > 0, "{late:?}");
}

/// It happened, and for longer than the bound; and of what was asked past the bound while somebody
/// could not know what is committed, something was refused.
fn was_felt(history: &History, blow: Blow) {
    let name = format!("{blow:?}");
    let struck: Vec<_> = history.blows.iter().filter(|of| of.what == name).collect();
    assert!(!struck.is_empty(), "no {name}");
    assert!(struck.iter().all(|of| of.to > of.from + BOUND));
    let counts = history.counts(|question| {
        struck.iter().any(|of| {
            of.replica.is_none_or(|hit| question.replica == hit)
                && question.sent > of.from + BOUND
                && question.sent < of.to
        })
    });
    let refused = counts.denied + counts.ended + counts.unavailable;
    assert!(refused > 0 || !blow.blinds(), "{name} without a refusal");
}

fn tell(history: &History, all: &Counts, late: &Counts) {
    println!("all questions: {all:?}");
    println!("about what was revoked longer ago than the bound: {late:?}");
    let last = history.last_allows();
    let at = |percent: usize| last.get((last.len() * percent / 100).min(last.len() - 1));
    println!(
        "{} writes; from the answer to a revocation to the last allow: median {:?}, p99 {:?}, \
         longest {:?} of {}",
        history.writes.len(),
        at(50),
        at(99),
        last.last(),
        last.len()
    );
    println!("{} blows:", history.blows.len());
    for blow in &history.blows {
        println!("  {blow:?}");
    }
}
