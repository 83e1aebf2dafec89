//! Rotation: keys join the line of their algorithm, and leave it when their last token has expired.
//!
//! Everything here happens in a write of the system organization, so one replica after the other:
//! who comes second finds what the first has done.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::Algorithm;
use gatepost_core::signing::{Joins, Turn, is_due, joins};
use gatepost_store::{Scope, SigningKey};
use time::OffsetDateTime;
use tokio::task::spawn_blocking;

use super::keys::generate;
use crate::app::App;
use crate::clock::new_id;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::seal::Sealer;

/// How long anybody may keep the public keys, in seconds.
pub const PUBLIC_KEYS_KEPT_S: u32 = 300;

/// When keys follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// How long a key signs before the next one does; `None` for ever.
    age_max_s: Option<i64>,
    /// How long a key is published before it signs.
    notice_s: i64,
    /// How long after a key's turn its last token may live.
    tokens_live: Duration,
}

impl Rotation {
    /// What these settings come to.
    pub fn new(config: &Config) -> Self {
        // Published is what every replica knows: a bound after it was written. From then on the
        // keys of before may be kept as long as they were given for. Whoever planned the turn and
        // whoever signs may be two bounds apart, each one from the database's clock.
        let kept = Duration::from_secs(u64::from(PUBLIC_KEYS_KEPT_S));
        Self {
            age_max_s: config.signing_key_age.map(seconds),
            // Of the present second nobody knows how much is left.
            notice_s: seconds(kept + 3 * config.staleness_bound) + 1,
            tokens_live: config.sign_in.tokens_live(),
        }
    }

    /// The algorithms that need one more key.
    pub fn due(&self, keys: &[SigningKey], now: OffsetDateTime) -> Vec<Algorithm> {
        let now_s = now.unix_timestamp();
        let needs = |algorithm: &Algorithm| is_due(&line(keys, *algorithm), now_s, self.age_max_s);
        Algorithm::ALL.into_iter().filter(needs).collect()
    }

    /// Lets new keys join: each signs when it has been published for long enough, and its
    /// predecessor retires then. A key of an algorithm whose next is on its way already is left
    /// out. `now` is a moment after the lock was had: waiting for it is no part of the notice.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn join(&self, tx: &Scope, made: Vec<SigningKey>, now: OffsetDateTime) -> Result<()> {
        let present = tx.keys().list().await?;
        for mut key in made {
            let line = line(&present, key.algorithm);
            match joins(&line, now.unix_timestamp(), self.notice_s) {
                Joins::Not => continue,
                Joins::AtOnce => {}
                Joins::From(from_s) => {
                    let from =
                        OffsetDateTime::from_unix_timestamp(from_s).map_err(Error::internal)?;
                    key.signs_from = Some(from);
                    let own = present
                        .iter()
                        .filter(|other| other.algorithm == key.algorithm);
                    for last in own.filter(|other| other.retired_at.is_none()) {
                        tx.keys().retire(&last.kid, from).await?;
                    }
                }
            }
            tx.keys().insert(&key).await?;
        }
        Ok(())
    }

    /// Has new keys sign from now on, and takes away every other one of their algorithms: what
    /// those signed is worth nothing any more.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn replace(tx: &Scope, made: &[SigningKey]) -> Result<()> {
        let algorithms: Vec<Algorithm> = made.iter().map(|key| key.algorithm).collect();
        let mut present = tx.keys().list().await?;
        present.retain(|key| algorithms.contains(&key.algorithm));
        for key in present {
            tx.keys().delete(&key.kid).await?;
        }
        for key in made {
            tx.keys().insert(key).await?;
        }
        Ok(())
    }

    /// Whether no token that the key signed is good any more.
    pub fn is_spent(&self, key: &SigningKey, now: OffsetDateTime) -> bool {
        let turn = key.turn();
        turn.is_spent(now.unix_timestamp(), seconds(self.tokens_live))
    }

    /// Until when a token of the key may be good; `None` while no other key is to sign after it.
    pub fn proves_until(&self, key: &SigningKey) -> Option<OffsetDateTime> {
        let until_s = key.turn().proves_until_s(seconds(self.tokens_live))?;
        OffsetDateTime::from_unix_timestamp(until_s).ok()
    }
}

/// Makes a key of each algorithm that is named, for its turn to come. Takes most of a second of
/// the processor, so nothing should be locked meanwhile.
///
/// # Errors
/// `INTERNAL` if the system gives no randomness.
pub fn make(
    algorithms: &[Algorithm],
    sealer: &Sealer,
    now: OffsetDateTime,
) -> Result<Vec<SigningKey>> {
    algorithms
        .iter()
        .map(|algorithm| generate(*algorithm, new_id(now).to_string(), sealer, now))
        .collect()
}

/// As [`make`], on a thread on which nobody waits.
///
/// # Errors
/// As [`make`].
pub async fn make_aside(app: &Arc<App>, algorithms: Vec<Algorithm>) -> Result<Vec<SigningKey>> {
    let (app, now) = (Arc::clone(app), app.clock.now());
    spawn_blocking(move || make(&algorithms, &app.sealer, now))
        .await
        .map_err(Error::internal)?
}

/// The turns of the keys of one algorithm.
fn line(keys: &[SigningKey], algorithm: Algorithm) -> Vec<Turn> {
    let own = keys.iter().filter(|key| key.algorithm == algorithm);
    own.map(SigningKey::turn).collect()
}

fn seconds(duration: Duration) -> i64 {
    // A part of a second counts as a whole one.
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i64::try_from(whole).unwrap_or(i64::MAX)
}
