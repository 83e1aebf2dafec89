//! Replicas as child processes, each with wires of its own to the database and to the bus, and what
//! is recorded of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use proptest::prelude::RngExt as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use tokio::time::{Instant, sleep};

use super::history::{Blow, Effect, History, Moment, Question, Write};
use crate::process::{Home, Running};
use crate::proxy::Proxy;
use crate::replicas::Cluster;
use crate::rest::Rest;
use crate::servers::postgres::Postgres;

/// How many replicas.
pub const REPLICAS: usize = 3;
/// How long something may take that has no bound, on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// How often somebody looks whether what she waits for is there.
pub const PAUSE: Duration = Duration::from_millis(20);

/// What stands, and what has happened.
pub struct Scene {
    /// The replicas.
    pub stations: Vec<Station>,
    /// The database and the bus.
    pub cluster: Cluster,
    /// The database's server: a storm may stop it, so it is shared with nobody.
    pub postgres: Postgres,
    /// Whether there is a bus.
    pub has_bus: bool,
    /// A token of somebody who may do everything.
    pub admin: String,
    origin: Instant,
    history: Mutex<History>,
    over: AtomicBool,
    seed: u64,
}

/// One replica, which may be down.
pub struct Station {
    /// Calls to it.
    pub rest: Rest,
    /// Its wire to the database.
    pub database: Proxy,
    /// Its wire to the bus.
    pub bus: Proxy,
    /// The process; none between its end and its next start.
    pub running: Mutex<Option<Running>>,
    /// Whether nothing is being done to it.
    pub is_calm: AtomicBool,
    /// Questions that were sent to it so far.
    pub sent: AtomicUsize,
    home: Home,
    settings: Vec<(String, String)>,
}

impl Scene {
    /// Starts everything.
    pub async fn start(bound: Duration, has_bus: bool, seed: u64) -> Self {
        let postgres = Postgres::start();
        let cluster = Cluster::on(&postgres);
        if !has_bus {
            cluster.valkey.stop();
        }
        let stations: Vec<Station> = (0..REPLICAS)
            .map(|_| Station::new(&cluster, bound))
            .collect();
        for station in &stations {
            station.start().await;
        }
        let admin = stations[0].rest.token("admin").await;
        Self {
            stations,
            cluster,
            postgres,
            has_bus,
            admin,
            origin: Instant::now(),
            history: Mutex::default(),
            over: AtomicBool::new(false),
            seed,
        }
    }

    /// Random numbers of one actor: the same ones for the same seed.
    pub fn random(&self, actor: u64) -> TestRng {
        let numbers = [self.seed, actor, 0, 0];
        let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
    }

    /// The time since the history began.
    pub fn now(&self) -> Moment {
        self.origin.elapsed()
    }

    /// A replica that should answer; any of them if none should.
    pub fn some_station(&self, random: &mut TestRng) -> &Station {
        let is_calm = |station: &&Station| station.is_calm.load(Ordering::SeqCst);
        let calm: Vec<&Station> = self.stations.iter().filter(is_calm).collect();
        if calm.is_empty() {
            return &self.stations[random.random_range(0..REPLICAS)];
        }
        calm[random.random_range(0..calm.len())]
    }

    /// Records a write.
    pub fn wrote(&self, write: Write) {
        self.history().writes.push(write);
    }

    /// Records a question.
    pub fn asked(&self, question: Question) {
        self.history().questions.push(question);
    }

    /// Records what was done.
    pub fn struck(&self, blow: Blow) {
        self.history().blows.push(blow);
    }

    /// How many questions have been answered.
    pub fn answered(&self) -> usize {
        self.history().questions.len()
    }

    /// Whether there is such a question among those that were answered after the first `past`.
    pub fn has(&self, past: usize, such: impl Fn(&Question) -> bool) -> bool {
        self.history().questions.iter().skip(past).any(such)
    }

    /// How many revocations were committed for certain.
    pub fn revocations(&self) -> usize {
        let history = self.history();
        let is_revocation = |write: &&Write| write.effect == Effect::Revoke && write.done.is_some();
        history.writes.iter().filter(is_revocation).count()
    }

    /// The first answer that must not be, if there is one by now.
    pub fn fault(&self, bound: Duration) -> Option<String> {
        let history = self.history();
        let faults = history.faults(bound);
        faults.first().map(|fault| history.tell(fault))
    }

    /// Everything that was recorded.
    pub fn into_history(self) -> History {
        self.history.into_inner().unwrap()
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap()
    }

    /// Has all who write and ask come to an end.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Whether they should come to an end.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

impl Station {
    fn new(cluster: &Cluster, bound: Duration) -> Self {
        let home = Home::empty();
        let database = Proxy::new(cluster.database_port());
        let bus = Proxy::new(cluster.valkey.port());
        let settings = cluster.settings(&[
            ("GATEPOST_LISTEN", &format!("127.0.0.1:{}", home.port)),
            (
                "GATEPOST_DATABASE_URL",
                &cluster.database_through(database.port),
            ),
            (
                "GATEPOST_CACHE_URL",
                &format!("valkey://127.0.0.1:{}", bus.port),
            ),
            (
                "GATEPOST_STALENESS_BOUND_MS",
                &bound.as_millis().to_string(),
            ),
            ("GATEPOST_LOG", "warn,gatepost=info"),
        ]);
        Self {
            rest: Rest::new(format!("http://127.0.0.1:{}", home.port)),
            database,
            bus,
            running: Mutex::default(),
            is_calm: AtomicBool::new(true),
            sent: AtomicUsize::new(0),
            home,
            settings,
        }
    }

    /// Starts it, again and again while it cannot: the database may be away just now.
    ///
    /// The process ends with the thread that starts it, so this is for the test's own.
    ///
    /// # Panics
    /// When it cannot for too long.
    pub async fn start(&self) {
        let begun = Instant::now();
        let mut running = self.begin();
        while !running.stderr().contains("gatepost is up") {
            let (log, is_alive) = (running.stderr(), running.is_alive());
            assert!(begun.elapsed() < PATIENCE, "it does not start: {log}");
            sleep(PAUSE).await;
            if !is_alive {
                running = self.begin();
            }
        }
        *self.running.lock().unwrap() = Some(running);
    }

    /// What it has said since it was started last.
    pub fn log(&self) -> String {
        let running = self.running.lock().unwrap();
        running.as_ref().map_or_else(String::new, Running::stderr)
    }

    fn begin(&self) -> Running {
        let settings = self.settings.iter();
        let pairs: Vec<(&str, &str)> = settings
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.home.begin(&pairs)
    }
}
