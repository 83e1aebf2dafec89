//! A continuous stream of grants and revocations.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::RngExt as _;
use proptest::test_runner::TestRng;
use tokio::time::{Instant, sleep};

use super::facts::{Fact, Outcome};
use super::history::Effect;
use super::scene::{PATIENCE, PAUSE, Scene};

/// How long one call of a writer may take. What is not answered by then may still happen.
pub const CALL_MAX: Duration = Duration::from_secs(3);
/// Rest after a call that came to nothing.
const RETRY: Duration = Duration::from_millis(50);
/// Facts of one writer.
const FACTS: usize = 3;

/// The facts that are asked about now.
#[derive(Default)]
pub struct Board {
    facts: Mutex<Vec<Arc<Fact>>>,
    numbers: AtomicUsize,
}

/// One who grants and revokes. Each fact has one writer, so that it is known what comes after what.
pub struct Writer {
    scene: Arc<Scene>,
    board: Arc<Board>,
    random: TestRng,
    facts: Vec<Held>,
    bound: Duration,
}

/// A fact and how it stands.
pub struct Held {
    /// It.
    pub fact: Arc<Fact>,
    /// Whether it is granted.
    pub is_granted: bool,
    /// Whether no call is out that may still revoke it.
    pub is_certain: bool,
    /// When it changes next.
    next: Instant,
}

impl Board {
    /// One that is asked about now.
    pub fn any(&self, random: &mut TestRng) -> Arc<Fact> {
        let facts = self.facts.lock().unwrap();
        Arc::clone(&facts[random.random_range(0..facts.len())])
    }

    fn put(&self, fact: &Arc<Fact>) {
        self.facts.lock().unwrap().push(Arc::clone(fact));
    }

    fn take(&self, fact: &Fact) {
        let mut facts = self.facts.lock().unwrap();
        facts.retain(|one| one.number != fact.number);
    }
}

impl Writer {
    /// A writer with facts of its own.
    pub async fn new(scene: Arc<Scene>, board: Arc<Board>, number: u64, bound: Duration) -> Self {
        let mut writer = Self {
            random: scene.random(number),
            scene,
            board,
            facts: Vec::new(),
            bound,
        };
        for _ in 0..FACTS {
            let held = writer.new_fact().await;
            writer.facts.push(held);
        }
        writer
    }

    /// Grants and revokes until it is over; answers how everything stands then.
    pub async fn run(mut self) -> Vec<Held> {
        while !self.scene.is_over() {
            let mut facts = self.facts.iter().enumerate();
            let first = facts.next().map(|(number, held)| (held.next, number));
            let first = facts.fold(first, |first, (number, held)| {
                first.min(Some((held.next, number)))
            });
            let (next, number) = first.unwrap();
            if next > Instant::now() {
                sleep(PAUSE).await;
                continue;
            }
            if self.facts[number].is_granted {
                self.revoke(number).await;
            } else if self.facts[number].fact.way.ends_once() {
                self.replace(number).await;
            } else {
                self.grant(number).await;
            }
        }
        self.facts
    }

    /// Tries until it is revoked: a call too many revokes nothing else.
    async fn revoke(&mut self, number: usize) {
        let fact = Arc::clone(&self.facts[number].fact);
        let (begun, deadline) = (self.scene.now(), Instant::now() + PATIENCE);
        let done = loop {
            let station = self.scene.some_station(&mut self.random);
            match fact.write(&self.scene, station, Effect::Revoke).await {
                Outcome::Done(done) => break done,
                Outcome::Refused => {}
                Outcome::Unknown => self.facts[number].is_certain = false,
            }
            assert!(Instant::now() < deadline, "cannot revoke {fact:?}");
            sleep(RETRY).await;
        };
        let write = fact.written(Effect::Revoke, begun, Some(done));
        self.scene.wrote(write);
        // Some come back before the bound is over, most do not.
        self.stands(number, false, 1, 12);
    }

    /// Tries until nobody knows whether it is granted: such a call may grant it at any later time,
    /// after another revocation even, so of that fact nothing is known any more.
    async fn grant(&mut self, number: usize) {
        let fact = Arc::clone(&self.facts[number].fact);
        let begun = self.scene.now();
        let station = self.scene.some_station(&mut self.random);
        let done = match fact.write(&self.scene, station, Effect::Grant).await {
            Outcome::Done(done) => Some(done),
            Outcome::Unknown => None,
            Outcome::Refused => return sleep(RETRY).await,
        };
        let write = fact.written(Effect::Grant, begun, done);
        self.scene.wrote(write);
        if done.is_some() {
            self.stands(number, true, 1, 6);
        } else {
            self.replace(number).await;
        }
    }

    /// Puts another fact in its place.
    async fn replace(&mut self, number: usize) {
        self.board.take(&self.facts[number].fact);
        self.facts[number] = self.new_fact().await;
    }

    async fn new_fact(&mut self) -> Held {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let number = self.board.numbers.fetch_add(1, Ordering::SeqCst);
            let station = self.scene.some_station(&mut self.random);
            if let Some(fact) = Fact::make(&self.scene, station, number).await {
                let fact = Arc::new(fact);
                self.board.put(&fact);
                return Held {
                    is_granted: fact.begins_granted(),
                    is_certain: true,
                    next: Instant::now() + self.quarters(1, 6),
                    fact,
                };
            }
            assert!(Instant::now() < deadline, "cannot make a fact");
            sleep(RETRY).await;
        }
    }

    /// Notes how it stands, and lets it stand so for some quarters of a bound.
    fn stands(&mut self, number: usize, is_granted: bool, least: u32, most: u32) {
        let rest = self.quarters(least, most);
        let held = &mut self.facts[number];
        held.is_granted = is_granted;
        held.next = Instant::now() + rest;
    }

    fn quarters(&mut self, least: u32, most: u32) -> Duration {
        self.bound / 4 * self.random.random_range(least..=most)
    }
}
