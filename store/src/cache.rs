//! Volume counters. They may be lost at any moment, and nothing but politeness depends on them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::Builder;
use fred::types::config::{Config, ReconnectPolicy};
use time::OffsetDateTime;

use crate::error::{Result, StoreError};

/// Longest wait for a counter.
const COUNT_WAIT_MAX: Duration = Duration::from_millis(200);

/// Counters that are held in memory.
const COUNTERS_MAX: usize = 100_000;

/// Counts and sets the end of the window in one step, so that no counter lives for ever.
const COUNT_SCRIPT: &str = "local n = redis.call('INCR', KEYS[1]) \
     if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end \
     return n";

/// Counters for all replicas, or for this process alone.
#[derive(Debug)]
pub enum Cache {
    /// In this process.
    Memory(Counters),
    /// In a Valkey that all replicas share.
    Valkey(Client),
}

/// Counters of this process, at most [`COUNTERS_MAX`].
#[derive(Debug, Default)]
pub struct Counters {
    counters: Mutex<HashMap<String, Counter>>,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    count: u64,
    ends_at: OffsetDateTime,
}

impl Cache {
    /// Counters of this process alone.
    pub fn memory() -> Self {
        Self::Memory(Counters::default())
    }

    /// Counters in Valkey. Connects by itself, now or later: that it is down is no error here.
    /// `Setting` when the address cannot be read.
    pub fn connect(url: &str) -> Result<Self> {
        let client = connect(url, |config| {
            Builder::from_config(config)
                .with_performance_config(|performance| {
                    performance.default_command_timeout = COUNT_WAIT_MAX;
                })
                .with_connection_config(|connection| {
                    connection.max_command_attempts = 1;
                    connection.internal_command_timeout = Duration::from_secs(2);
                    connection.connection_timeout = Duration::from_secs(2);
                })
                .set_policy(reconnect_policy())
                .build()
        })?;
        drop(client.connect());
        Ok(Self::Valkey(client))
    }

    /// Counts a hit in a key's present window and answers how many there were, this one included.
    /// A window begins with its first hit. `Unavailable` within 200 ms when the cache is down.
    pub async fn count(&self, key: &str, window: Duration, now: OffsetDateTime) -> Result<u64> {
        match self {
            Self::Memory(counters) => Ok(counters.count(key, window, now)),
            Self::Valkey(client) => {
                let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
                let count = client.eval(
                    COUNT_SCRIPT,
                    vec![format!("gatepost:count:{key}")],
                    vec![window_ms.to_string()],
                );
                match tokio::time::timeout(COUNT_WAIT_MAX, count).await {
                    Ok(Ok(count)) => Ok(count),
                    Ok(Err(error)) => Err(StoreError::unavailable(error)),
                    Err(elapsed) => Err(StoreError::unavailable(elapsed)),
                }
            }
        }
    }
}

impl Counters {
    fn count(&self, key: &str, window: Duration, now: OffsetDateTime) -> u64 {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTERS_MAX && !counters.contains_key(key) {
            counters.retain(|_, counter| counter.ends_at > now);
            if counters.len() >= COUNTERS_MAX {
                // Still full of live ones: whoever floods us with keys finds all of them at 0.
                counters.clear();
            }
        }
        let counter = counters.entry(key.to_owned()).or_insert(Counter {
            count: 0,
            ends_at: now + window,
        });
        if counter.ends_at <= now {
            *counter = Counter {
                count: 0,
                ends_at: now + window,
            };
        }
        counter.count = counter.count.saturating_add(1);
        counter.count
    }
}

/// Reads an address and builds a client of it. The address may hold a password, so an error says
/// nothing of it.
pub(crate) fn connect<C>(
    url: &str,
    build: impl FnOnce(Config) -> std::result::Result<C, fred::error::Error>,
) -> Result<C> {
    let known = ["valkey://", "valkeys://", "redis://", "rediss://"];
    let refuse = || {
        let known = known.join("`, `");
        StoreError::Setting(format!(
            "the cache address cannot be used: it must begin with `{known}`"
        ))
    };
    if !known.iter().any(|scheme| url.starts_with(scheme)) {
        return Err(refuse());
    }
    let mut config = Config::from_url(url).map_err(|_| refuse())?;
    config.fail_fast = false;
    build(config).map_err(|_| refuse())
}

/// For ever, from 50 ms up to 2 s apart.
pub(crate) fn reconnect_policy() -> ReconnectPolicy {
    ReconnectPolicy::new_exponential(0, 50, 2_000, 2)
}
