//! What is done to the replicas and to what they stand on, in an order that a seed decides.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::RngExt as _;
use proptest::test_runner::TestRng;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::history::{Blow as Struck, Moment, Question, Verdict};
use super::scene::{PATIENCE, PAUSE, REPLICAS, Scene, Station};
use crate::proxy::Proxy;

/// It goes on for so long at the least, whatever has been done by then.
const LASTS: Duration = Duration::from_secs(16);
/// After so long a wait it is looked whether anything is wrong.
const WORRY: Duration = Duration::from_secs(5);
/// Questions that a replica which sleeps must have in its sockets from past the bound.
const QUESTIONS_ASLEEP: usize = 10;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// A replica is killed, and starts again.
    Kill,
    /// A replica stops in its tracks, and goes on.
    Pause,
    /// A replica loses a wire, or both.
    Cut(Wire, How),
    /// The bus is gone, and comes back empty.
    BusKilled,
    /// The bus stops in its tracks, and goes on.
    BusPaused,
    /// The database crashes, and comes back.
    DatabaseKilled,
    /// The database stops in its tracks, and goes on.
    DatabasePaused,
}

/// Which wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// To the bus.
    Bus,
    /// To the database.
    Database,
    /// To both.
    Both,
}

/// How a wire is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Connections are closed, and no new ones come up.
    Refuse,
    /// Nothing passes and nothing is closed; what waited passes later.
    Stall,
    /// Nothing passes and nothing is closed; what waited, and every connection of then, is lost for
    /// good, and the replica never hears of that.
    Swallow,
}

/// Those that hit one replica. The last ones need a bus.
const OF_ONE: [Blow; 11] = [
    Blow::Kill,
    Blow::Pause,
    Blow::Kill,
    Blow::Pause,
    Blow::Cut(Wire::Database, How::Refuse),
    Blow::Cut(Wire::Database, How::Stall),
    Blow::Cut(Wire::Database, How::Swallow),
    Blow::Cut(Wire::Both, How::Refuse),
    Blow::Cut(Wire::Both, How::Stall),
    Blow::Cut(Wire::Bus, How::Refuse),
    Blow::Cut(Wire::Bus, How::Stall),
];
/// Those that hit all. The last ones need a bus.
const OF_ALL: [Blow; 4] = [
    Blow::DatabaseKilled,
    Blow::DatabasePaused,
    Blow::BusKilled,
    Blow::BusPaused,
];

impl Blow {
    /// Everything that can be done here.
    pub fn all(has_bus: bool) -> Vec<Self> {
        let all = OF_ONE.into_iter().chain(OF_ALL);
        all.filter(|blow| has_bus || !blow.needs_bus()).collect()
    }

    fn needs_bus(self) -> bool {
        matches!(
            self,
            Self::Cut(Wire::Bus, _) | Self::BusKilled | Self::BusPaused
        )
    }

    /// Whether who is hit cannot know what is committed.
    pub fn blinds(self) -> bool {
        match self {
            Self::Pause | Self::DatabaseKilled | Self::DatabasePaused => true,
            Self::Cut(wire, _) => wire != Wire::Bus,
            Self::Kill | Self::BusKilled | Self::BusPaused => false,
        }
    }
}

/// Does everything that can be done at least once: to one replica after the other for as long as it
/// lasts, and now and then to what they stand on.
pub async fn rage(scene: &Arc<Scene>, bound: Duration) {
    let until = Instant::now() + LASTS;
    let of_one = async {
        let mut storm = Storm::new(scene, 1, bound);
        let mut blows = storm.shuffled(&OF_ONE);
        loop {
            for blow in blows {
                let target = storm.random.random_range(0..REPLICAS);
                storm.rest(1, 3).await;
                storm.strike(blow, Some(target)).await;
            }
            if Instant::now() > until {
                return;
            }
            blows = storm.shuffled(&OF_ONE);
        }
    };
    let of_all = async {
        let mut storm = Storm::new(scene, 2, bound);
        for blow in storm.shuffled(&OF_ALL) {
            storm.rest(8, 16).await;
            storm.strike(blow, None).await;
        }
    };
    tokio::join!(of_one, of_all);
}

struct Storm {
    scene: Arc<Scene>,
    random: TestRng,
    bound: Duration,
}

impl Storm {
    fn new(scene: &Arc<Scene>, actor: u64, bound: Duration) -> Self {
        Self {
            scene: Arc::clone(scene),
            random: scene.random(actor),
            bound,
        }
    }

    /// Those that can be done here, in some order.
    fn shuffled(&mut self, blows: &[Blow]) -> Vec<Blow> {
        let has_bus = self.scene.has_bus;
        let fits = |blow: &Blow| has_bus || !blow.needs_bus();
        let mut blows: Vec<Blow> = blows.iter().copied().filter(fits).collect();
        for last in (1..blows.len()).rev() {
            blows.swap(last, self.random.random_range(0..=last));
        }
        blows
    }

    /// Lets some quarters of a bound pass.
    async fn rest(&mut self, least: u32, most: u32) {
        let quarters = self.random.random_range(least..=most);
        sleep(self.bound / 4 * quarters).await;
    }

    async fn strike(&mut self, blow: Blow, target: Option<usize>) {
        let scene = Arc::clone(&self.scene);
        let past = scene.answered();
        let station = target.map(|target| &scene.stations[target]);
        station.inspect(|station| station.is_calm.store(false, Ordering::SeqCst));
        let from = scene.now();
        begin(&scene, blow, station);
        self.rest(6, 10).await;
        self.wait_until_felt(blow, target, from, past).await;
        let ending = scene.now();
        end(&scene, blow, station).await;
        scene.struck(Struck {
            what: format!("{blow:?}"),
            replica: target,
            from,
            to: ending,
        });
        let answers = |question: &Question| {
            let is_decided = matches!(question.verdict, Verdict::Decided { .. });
            target.is_none_or(|target| question.replica == target)
                && question.sent > ending
                && is_decided
        };
        self.wait(blow, "answers again", || scene.has(past, answers))
            .await;
        station.inspect(|station| station.is_calm.store(true, Ordering::SeqCst));
    }

    /// A blow that nobody has felt proves nothing.
    async fn wait_until_felt(&self, blow: Blow, target: Option<usize>, from: Moment, past: usize) {
        let (scene, after) = (&self.scene, from + self.bound);
        let came = |verdict: fn(&Verdict) -> bool, after: Moment| {
            scene.has(past, |question| {
                target.is_none_or(|target| question.replica == target)
                    && question.sent > after
                    && verdict(&question.verdict)
            })
        };
        let sent = || target.map_or(0, |at| scene.stations[at].sent.load(Ordering::SeqCst));
        let sent_before = sent();
        let is_felt = || match blow {
            Blow::Kill => came(|verdict| *verdict == Verdict::Lost, from),
            Blow::Pause => sent() >= sent_before + QUESTIONS_ASLEEP,
            Blow::Cut(Wire::Bus, _) | Blow::BusKilled | Blow::BusPaused => {
                came(|verdict| matches!(verdict, Verdict::Decided { .. }), after)
            }
            Blow::Cut(..) | Blow::DatabaseKilled | Blow::DatabasePaused => {
                came(|verdict| *verdict == Verdict::Unavailable, after)
            }
        };
        self.wait(blow, "is felt", is_felt).await;
    }

    async fn wait(&self, blow: Blow, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            if begun.elapsed() > WORRY {
                // What must not be may be the reason.
                if let Some(fault) = self.scene.fault(self.bound) {
                    panic!("{blow:?}: waiting for: {what}\n{fault}");
                }
                sleep(WORRY / 10).await;
            }
            if begun.elapsed() > PATIENCE {
                let logs = self.scene.stations.iter().map(Station::log);
                let logs: Vec<String> = logs.collect();
                panic!("{blow:?}: in vain: {what}\n{}", logs.join("\n\n"));
            }
            sleep(PAUSE).await;
        }
    }
}

fn begin(scene: &Scene, blow: Blow, station: Option<&Station>) {
    match (blow, station) {
        (Blow::Kill, Some(station)) => {
            let running = station.running.lock().unwrap().take();
            running.unwrap().kill();
        }
        (Blow::Pause, Some(station)) => signal(station, Signal::STOP),
        (Blow::Cut(wire, how), Some(station)) => {
            for wire in wires(station, wire) {
                match how {
                    How::Refuse => wire.refuse(),
                    How::Stall | How::Swallow => wire.stall(),
                }
            }
        }
        (Blow::BusKilled, _) => scene.cluster.valkey.stop(),
        (Blow::BusPaused, _) => scene.cluster.valkey.pause(),
        (Blow::DatabaseKilled, _) => scene.postgres.stop(),
        (Blow::DatabasePaused, _) => scene.postgres.pause(),
        (Blow::Kill | Blow::Pause | Blow::Cut(..), None) => panic!("{blow:?} of whom?"),
    }
}

async fn end(scene: &Scene, blow: Blow, station: Option<&Station>) {
    match (blow, station) {
        (Blow::Kill, Some(station)) => station.start().await,
        (Blow::Pause, Some(station)) => signal(station, Signal::CONT),
        (Blow::Cut(wire, how), Some(station)) => {
            for wire in wires(station, wire) {
                match how {
                    How::Refuse | How::Stall => wire.heal(),
                    How::Swallow => wire.fail_over(),
                }
            }
        }
        (Blow::BusKilled, _) => scene.cluster.valkey.restart(),
        (Blow::BusPaused, _) => scene.cluster.valkey.resume(),
        (Blow::DatabaseKilled, _) => scene.postgres.restart(),
        (Blow::DatabasePaused, _) => scene.postgres.resume(),
        (Blow::Kill | Blow::Pause | Blow::Cut(..), None) => panic!("{blow:?} of whom?"),
    }
}

fn wires(station: &Station, wire: Wire) -> Vec<&Proxy> {
    match wire {
        Wire::Bus => vec![&station.bus],
        Wire::Database => vec![&station.database],
        Wire::Both => vec![&station.bus, &station.database],
    }
}

fn signal(station: &Station, signal: Signal) {
    let running = station.running.lock().unwrap();
    running.as_ref().unwrap().signal(signal);
}
