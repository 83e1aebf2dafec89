//! Replicas in this process, on one database and one bus.
#![cfg(test)]

use std::ops::Deref;
use std::time::Duration;

use tokio::time::Instant;

use gatepost::clock::Clock;
use gatepost::config::{Config, Settings};
use gatepost::serve::{Server, start};
use tempfile::TempDir;

use crate::rest::{Answer, PASSWORD, Rest};
use crate::servers::postgres::{self, Postgres, PostgresDatabase};
use crate::servers::valkey::Valkey;

/// The staleness bound of these tests.
pub const BOUND: Duration = Duration::from_secs(1);
/// How long something may take that has no bound, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the replicas stand on.
pub struct Cluster {
    /// Their database.
    pub database: PostgresDatabase,
    /// Their bus and cache.
    pub valkey: Valkey,
    folder: TempDir,
}

/// One replica.
pub struct Replica {
    rest: Rest,
    /// Told to nobody when it is dropped: the test's end takes it down.
    _server: Server,
}

impl Deref for Replica {
    type Target = Rest;

    fn deref(&self) -> &Rest {
        &self.rest
    }
}

impl Cluster {
    /// A fresh database and a fresh bus.
    pub fn start() -> Self {
        Self::on(postgres::shared())
    }

    /// A fresh database on this server, and a fresh bus.
    pub fn on(postgres: &Postgres) -> Self {
        Self {
            database: postgres.database(),
            valkey: Valkey::start(),
            folder: TempDir::new().unwrap(),
        }
    }

    /// The settings of a replica, `more` over them.
    pub fn settings(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let folder = self.folder.path().display().to_string();
        let own = [
            ("GATEPOST_LISTEN", "127.0.0.1:0".to_owned()),
            ("GATEPOST_PUBLIC_URL", "https://gatepost.test".to_owned()),
            ("GATEPOST_METRICS_LISTEN", "off".to_owned()),
            ("GATEPOST_DATA_DIR", folder),
            ("GATEPOST_DATABASE_URL", self.database.server_url.clone()),
            (
                "GATEPOST_MIGRATION_DATABASE_URL",
                self.database.owner_url.clone(),
            ),
            ("GATEPOST_CACHE_URL", self.valkey.url()),
            ("GATEPOST_MASTER_KEY", "00".repeat(32)),
            ("GATEPOST_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD.to_owned()),
            ("GATEPOST_SIGN_INS_PER_MINUTE", "100000".to_owned()),
        ];
        let more = more
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let all = own.into_iter().chain(more);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Starts a replica.
    pub async fn replica(&self, more: &[(&str, &str)]) -> Replica {
        self.replica_at(Clock::System, more).await
    }

    /// Starts a replica with a clock of its own.
    pub async fn replica_at(&self, clock: Clock, more: &[(&str, &str)]) -> Replica {
        let settings = Settings::read(self.settings(more), None).unwrap();
        let config = Config::new(&settings).unwrap();
        let server = start(&config, clock).await.unwrap();
        Replica {
            rest: Rest::new(format!("http://{}", server.address)),
            _server: server,
        }
    }

    /// The address of the database through another port.
    pub fn database_through(&self, port: u16) -> String {
        let (before, _) = self.database.server_url.rsplit_once(':').unwrap();
        format!("{before}:{port}/{}", self.database.name)
    }

    /// The port of the database's server.
    pub fn database_port(&self) -> u16 {
        let (_, end) = self.database.server_url.rsplit_once(':').unwrap();
        let (port, _) = end.split_once('/').unwrap();
        port.parse().unwrap()
    }
}

/// Asks until there is a decision or a refusal of the token, and no more `UNAVAILABLE`.
pub async fn settled(replica: &Rest, token: &str) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = replica.may_get(token).await;
        if answer.status != 503 {
            return answer;
        }
        assert!(Instant::now() < deadline, "it does not recover: {answer:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks until the answer is a yes: a grant need not be known at once, only soon.
pub async fn allowed(replica: &Rest, token: &str) {
    let begun = Instant::now();
    loop {
        let answer = settled(replica, token).await;
        if answer.is_yes() {
            return;
        }
        assert!(begun.elapsed() < BOUND * 3, "not allowed: {answer:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks until the answer is no yes any more, and proves that no request sent later than the bound
/// was allowed. Answers the refusal, and how long after `revoked` it was sent.
pub async fn refused(replica: &Rest, token: &str, revoked: Instant) -> (Answer, Duration) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = replica.may_get(token).await;
        let after = answer.sent.saturating_duration_since(revoked);
        if answer.is_yes() {
            assert!(after <= BOUND, "allowed {after:?} after the revocation");
        } else if answer.status != 503 {
            return (answer, after);
        }
        assert!(Instant::now() < deadline, "never refused: {answer:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
