//! Failed sign-ins: counted in the database, slowed for the account and the address that fail.
//!
//! Successes are not counted, and they wipe the account's count at that address. Without a client
//! nobody's account is counted as a whole, so that a stranger cannot slow its owner down. A device
//! that has signed in as the account before has counters of its own, and no others.

mod device;

use std::net::IpAddr;
use std::time::Duration;

use gatepost_core::UserId;
use gatepost_proto::ErrorReason;
use time::OffsetDateTime;

use crate::app::App;
use crate::error::{Error, Result};
use crate::hexadecimal::hexadecimal;
pub use device::{DEVICE_KNOWN, KnownDevice};

/// What the keys of the counters are hashed for.
const PURPOSE: &str = "sign-in failures";
/// How long a failure is remembered.
const REMEMBERED: time::Duration = time::Duration::minutes(15);
/// The longest that a caller must wait.
const WAIT_S_MAX: u64 = 900;
/// What calls are counted for, by address. The counters may forget; what counts for security is in
/// the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// Names and passwords, and clients that nobody remembers.
    SignIn,
    /// Second factors.
    Factor,
    /// Refresh tokens.
    Refresh,
    /// Forgotten passwords: those who ask for a link, and those who come with one.
    Forgotten,
}

impl Volume {
    fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Factor => "factor",
            Self::Refresh => "refresh",
            Self::Forgotten => "forgotten",
        }
    }

    /// How many there may be, and in what time.
    fn limit(self, app: &App) -> (u64, Duration) {
        const MINUTE: Duration = Duration::from_mins(1);
        match self {
            Self::SignIn | Self::Factor => (app.sign_in.per_minute, MINUTE),
            Self::Refresh => (app.sign_in.refreshes_per_minute, MINUTE),
            Self::Forgotten => (
                app.sign_in.forgotten_per_quarter_hour,
                Duration::from_mins(15),
            ),
        }
    }

    /// Refuses an address that calls too often.
    ///
    /// # Errors
    /// `TOO_MANY_ATTEMPTS`, with the seconds to wait.
    pub async fn require(self, app: &App, address: IpAddr, now: OffsetDateTime) -> Result<()> {
        self.count(app, &place_of(address).to_string(), now).await
    }

    async fn count(self, app: &App, of: &str, now: OffsetDateTime) -> Result<()> {
        let (most, window) = self.limit(app);
        let key = format!("{}:{of}", self.name());
        match app.cache.count(&key, window, now).await {
            Ok(count) if count > most => Err(too_many(window.as_secs())),
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "calls are not counted");
                Ok(())
            }
        }
    }
}

/// One thing that failures are counted against.
struct Counter {
    key: Vec<u8>,
    /// Failures that go unpunished.
    free: u32,
    /// The longest wait, in seconds.
    wait_s_max: u64,
    /// Whether it counts wherever the failure came from.
    everywhere: bool,
}

/// Who signs in, as far as is known before the password is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// The name as it was typed, whether or not anybody has it.
    pub account: &'a str,
    /// The application that signs the person in, if there is one.
    pub client: Option<&'a str>,
    /// Where the call comes from.
    pub address: IpAddr,
    /// The device, if it has signed in before.
    pub device: Option<KnownDevice>,
}

/// The counters of one sign-in.
pub struct Attempts {
    counters: Vec<Counter>,
}

impl Attempts {
    /// Refuses an address that tries too often or has failed too often lately.
    ///
    /// `account` is the name as it was typed, whether or not anybody has it; `client` is the
    /// application that signs the person in, if there is one.
    ///
    /// # Errors
    /// `TOO_MANY_ATTEMPTS`, with the seconds to wait.
    pub async fn begin(
        app: &App,
        account: &str,
        client: Option<&str>,
        address: IpAddr,
        now: OffsetDateTime,
    ) -> Result<Self> {
        let visitor = Visitor {
            account,
            client,
            address,
            device: None,
        };
        Self::begin_as(app, visitor, now).await
    }

    /// As [`Attempts::begin`]; a device that has signed in before is judged by its own failures.
    /// Whether it did so as the account that is named, [`Attempts::require_same`] asks when that is
    /// known.
    ///
    /// # Errors
    /// `TOO_MANY_ATTEMPTS`, with the seconds to wait.
    pub async fn begin_as(app: &App, visitor: Visitor<'_>, now: OffsetDateTime) -> Result<Self> {
        let Some(device) = visitor.device else {
            return Self::begin_as_stranger(app, visitor, now).await;
        };
        let key = app.sealer.hash(PURPOSE, device.key());
        Volume::SignIn.count(app, &hexadecimal(&key), now).await?;
        let counter = Counter {
            key,
            free: 5,
            wait_s_max: WAIT_S_MAX,
            everywhere: false,
        };
        Self::unless_blocked(app, vec![counter], now).await
    }

    /// Judges a device that has signed in as somebody else than `found`, whom the typed name means,
    /// as the stranger that it is to her.
    ///
    /// # Errors
    /// `TOO_MANY_ATTEMPTS`, with the seconds to wait.
    pub async fn require_same(
        self,
        app: &App,
        visitor: Visitor<'_>,
        found: Option<UserId>,
        now: OffsetDateTime,
    ) -> Result<Self> {
        match visitor.device {
            Some(device) if found != Some(device.user) => {
                Self::begin_as_stranger(app, visitor, now).await
            }
            Some(_) | None => Ok(self),
        }
    }

    async fn begin_as_stranger(
        app: &App,
        visitor: Visitor<'_>,
        now: OffsetDateTime,
    ) -> Result<Self> {
        let Visitor {
            account, client, ..
        } = visitor;
        Volume::SignIn.require(app, visitor.address, now).await?;
        let address = place_of(visitor.address);
        let hash = |what: &str| app.sealer.hash(PURPOSE, what);
        let place = client.unwrap_or("-");
        let mut counters = vec![
            Counter {
                key: hash(&format!("at {place} {address} {account}")),
                free: 5,
                wait_s_max: WAIT_S_MAX,
                everywhere: false,
            },
            Counter {
                key: hash(&format!("from {address}")),
                free: 50,
                wait_s_max: WAIT_S_MAX,
                everywhere: false,
            },
        ];
        if let Some(client) = client {
            let key = hash(&format!("of {client} {account}"));
            counters.push(Counter {
                key,
                free: 20,
                wait_s_max: 30,
                everywhere: true,
            });
        }
        Self::unless_blocked(app, counters, now).await
    }

    /// Refuses a signed-in person who has failed too often to tell the present password: whoever
    /// has found a token must not guess its owner's password with it.
    ///
    /// # Errors
    /// `TOO_MANY_ATTEMPTS`, with the seconds to wait.
    pub async fn begin_for_oneself(app: &App, user: UserId, now: OffsetDateTime) -> Result<Self> {
        let counter = Counter {
            key: app.sealer.hash(PURPOSE, format!("by {user}")),
            free: 5,
            wait_s_max: WAIT_S_MAX,
            everywhere: true,
        };
        Self::unless_blocked(app, vec![counter], now).await
    }

    /// Refuses a person whose second factor was tried too often lately, over all challenges: each
    /// has tries of its own, and whoever knows the password makes as many as she likes.
    ///
    /// # Errors
    /// `TOO_MANY_ATTEMPTS`, with the seconds to wait.
    pub async fn begin_for_factor(app: &App, user: UserId, now: OffsetDateTime) -> Result<Self> {
        let counter = Counter {
            key: factor_key(app, user),
            free: 10,
            wait_s_max: WAIT_S_MAX,
            everywhere: true,
        };
        Self::unless_blocked(app, vec![counter], now).await
    }

    /// Forgets the failures of a person who showed the second factor.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn forget_for_factor(app: &App, user: UserId) -> Result<()> {
        let key = factor_key(app, user);
        Ok(app.store.failures().reset(&key).await?)
    }

    async fn unless_blocked(
        app: &App,
        counters: Vec<Counter>,
        now: OffsetDateTime,
    ) -> Result<Self> {
        for counter in &counters {
            let failure = app.store.failures().get(&counter.key).await?;
            let until = failure.and_then(|failure| failure.blocked_until);
            if let Some(until) = until.filter(|until| *until > now) {
                return Err(too_many((until - now).whole_seconds().unsigned_abs() + 1));
            }
        }
        Ok(Self { counters })
    }

    /// Counts a failure, and makes the next try wait once there were too many.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn failed(&self, app: &App, now: OffsetDateTime) -> Result<()> {
        self.count(app, now, |_| true).await
    }

    /// Counts a failure of the client itself. It says nothing of the account: whoever knows a
    /// client's id, which is no secret, must not slow its users down.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn client_failed(&self, app: &App, now: OffsetDateTime) -> Result<()> {
        self.count(app, now, |counter| !counter.everywhere).await
    }

    async fn count(
        &self,
        app: &App,
        now: OffsetDateTime,
        which: impl Fn(&Counter) -> bool + Send,
    ) -> Result<()> {
        for counter in self.counters.iter().filter(|counter| which(counter)) {
            let failures = app
                .store
                .failures()
                .record(&counter.key, now, REMEMBERED)
                .await?;
            if failures > counter.free {
                let wait_s = wait_s(failures - counter.free, counter.wait_s_max);
                let until = now + Duration::from_secs(wait_s);
                app.store.failures().block(&counter.key, until).await?;
            }
        }
        Ok(())
    }

    /// Forgets the account's failures at this address, or of this device. The address keeps its own
    /// count: whoever knows one password must not use it to guess others.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn succeeded(&self, app: &App) -> Result<()> {
        match self.counters.first() {
            Some(counter) => Ok(app.store.failures().reset(&counter.key).await?),
            None => Ok(()),
        }
    }
}

fn factor_key(app: &App, user: UserId) -> Vec<u8> {
    app.sealer.hash(PURPOSE, format!("second factor of {user}"))
}

/// What counts as one address: of IPv6 the network that one customer gets, who has more addresses
/// in it than anybody can count.
pub fn place_of(address: IpAddr) -> IpAddr {
    const CUSTOMER: u128 = u128::MAX << 64;
    match address {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & CUSTOMER).into()),
    }
}

/// Doubles with each failure, from one second.
fn wait_s(excess: u32, most: u64) -> u64 {
    1_u64
        .checked_shl(excess.saturating_sub(1))
        .unwrap_or(most)
        .min(most)
}

fn too_many(wait_s: u64) -> Error {
    Error::new(
        ErrorReason::TooManyAttempts,
        "too many attempts; wait before the next one",
    )
    .with("retry_after_seconds", wait_s.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_of_ipv6_is_one_address() {
        let place = |text: &str| place_of(text.parse().unwrap()).to_string();
        assert_eq!(place("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff::"));
        assert_ne!(place("2001:db8:1:3::1"), place("2001:db8:1:2::1"));
        assert_eq!(place("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn waits_double_up_to_the_most() {
        let waits: Vec<u64> = [1, 2, 3, 10, 11, 64, u32::MAX]
            .map(|n| wait_s(n, 900))
            .into();
        assert_eq!(waits, [1, 2, 4, 512, 900, 900, 900]);
    }
}
