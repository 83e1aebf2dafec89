//! Device tokens: proof that somebody has signed in as a user from here before.
//!
//! Such a device has failures of its own, so that a stranger's, from wherever, never slow its owner
//! (OWASP, "Blocking Brute Force Attacks", device cookies). It is no credential: without the
//! password it opens nothing. Nothing of one is stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::UserId;
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::clock::new_id;
use crate::seal::Sealer;

/// What one begins with, so that scanners find one that leaked.
const PREFIX: &str = "gpd_";
/// What it is hashed for.
const PURPOSE: &str = "device token";
/// User, device, when it was written.
const NAMED_BYTES: usize = 16 + 16 + 8;
const PROOF_BYTES: usize = 32;
/// How long one is good for.
pub const DEVICE_KNOWN: Duration = Duration::days(180);
/// After this long a sign-in gives the next one.
const RENEWED: Duration = Duration::days(30);

/// A device that has signed in as this user before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDevice {
    /// The user.
    pub user: UserId,
    /// Which device.
    id: Uuid,
    /// Since when, in Unix seconds.
    since_s: i64,
}

impl KnownDevice {
    /// A device that signs in as this user for the first time.
    pub fn new(user: UserId, now: OffsetDateTime) -> Self {
        Self {
            user,
            id: new_id(now),
            since_s: now.unix_timestamp(),
        }
    }

    /// The token; always the same.
    pub fn write(&self, sealer: &Sealer) -> String {
        let mut bytes = self.named();
        bytes.extend(sealer.hash(PURPOSE, self.named()));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token tells, if we wrote it and it is not too old. Any other tells nothing, which is
    /// no error: its bearer is a stranger.
    pub fn read(sealer: &Sealer, text: &str, now: OffsetDateTime) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (named, proof) = bytes.split_first_chunk::<NAMED_BYTES>()?;
        let is_ours =
            proof.len() == PROOF_BYTES && bool::from(sealer.hash(PURPOSE, named).ct_eq(proof));
        if !is_ours {
            return None;
        }
        let (user, rest) = named.split_first_chunk::<16>()?;
        let (id, since_s) = rest.split_first_chunk::<16>()?;
        let device = Self {
            user: UserId::new(Uuid::from_bytes(*user)),
            id: Uuid::from_bytes(*id),
            since_s: i64::from_be_bytes(since_s.try_into().ok()?),
        };
        (device.age(now) < DEVICE_KNOWN).then_some(device)
    }

    /// The token that a sign-in as `user` gives: the one that was shown, as long as it is young.
    pub fn next(shown: Option<Self>, user: UserId, sealer: &Sealer, now: OffsetDateTime) -> String {
        let still_good = shown.filter(|device| device.user == user && device.age(now) < RENEWED);
        let device = still_good.unwrap_or_else(|| Self::new(user, now));
        device.write(sealer)
    }

    /// What its failures are counted under.
    pub(super) fn key(&self) -> String {
        format!("with {} {}", self.user, self.id)
    }

    fn age(&self, now: OffsetDateTime) -> Duration {
        Duration::seconds(now.unix_timestamp().saturating_sub(self.since_s))
    }

    fn named(&self) -> Vec<u8> {
        let mut named = self.user.uuid().as_bytes().to_vec();
        named.extend_from_slice(self.id.as_bytes());
        named.extend_from_slice(&self.since_s.to_be_bytes());
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap()
    }

    #[test]
    fn a_device_is_known_for_half_a_year_and_renewed_each_month() {
        let (sealer, ann) = (
            Sealer::new(&"07".repeat(32)).unwrap(),
            UserId::new(Uuid::from_u128(1)),
        );
        let first = KnownDevice::next(None, ann, &sealer, now());
        let read = |days| KnownDevice::read(&sealer, &first, now() + Duration::days(days));
        assert_eq!(read(179).unwrap().user, ann);
        assert_eq!(read(180), None);
        let next = |days| {
            let later = now() + Duration::days(days);
            KnownDevice::next(read(days), ann, &sealer, later)
        };
        assert_eq!(next(29), first);
        assert_ne!(next(30), first);
        let bob = UserId::new(Uuid::from_u128(2));
        assert_ne!(KnownDevice::next(read(0), bob, &sealer, now()), first);
        assert_ne!(KnownDevice::next(None, ann, &sealer, now()), first);
    }

    #[test]
    fn one_that_was_touched_tells_nothing() {
        let sealer = Sealer::new(&"07".repeat(32)).unwrap();
        let text = KnownDevice::new(UserId::new(Uuid::from_u128(1)), now()).write(&sealer);
        let bytes = URL_SAFE_NO_PAD
            .decode(text.strip_prefix(PREFIX).unwrap())
            .unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(forged));
            assert_eq!(KnownDevice::read(&sealer, &forged, now()), None, "{at}");
        }
        let other = Sealer::new(&"08".repeat(32)).unwrap();
        assert_eq!(KnownDevice::read(&other, &text, now()), None);
        for bad in ["", "gpd_", "gpd_AAAA", "gpr_AAAA"] {
            assert_eq!(KnownDevice::read(&sealer, bad, now()), None);
        }
    }
}
