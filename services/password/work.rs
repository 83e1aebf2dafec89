//! What one check of a stored password costs: the form of the hash, and its parameters.

use std::fmt;
use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::pbkdf2;
use thiserror::Error;
use zeroize::Zeroizing;

/// Most memory that the check of an imported hash may fill, in KiB.
pub const MEMORY_KIB_MAX: u32 = 128 << 10;
/// Most that it may write into that memory, in KiB: the memory, times how often it is filled.
pub const FILLED_KIB_MAX: u64 = 512 << 10;
/// Most lanes of Argon2.
pub const PARALLELISM_MAX: u32 = 16;
/// Most cost of bcrypt: a second of one core.
pub const BCRYPT_COST_MAX: u32 = 14;
/// Most iterations of PBKDF2 with HMAC-SHA-256.
pub const SHA256_ITERATIONS_MAX: u32 = 2_000_000;
/// Most iterations of PBKDF2 with HMAC-SHA-512.
pub const SHA512_ITERATIONS_MAX: u32 = 1_000_000;
/// Bytes of a password that bcrypt looks at, with the zero byte that ends it.
const BCRYPT_KEY_BYTES: usize = 72;
/// The salt of work that is done for nothing.
const NOBODY: &[u8; 16] = b"nobody is there!";

/// What one check costs: so many rounds of something. Two checks of one lane cost what their
/// rounds cost together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Rounds of what.
    pub lane: Lane,
    /// How many: iterations of Argon2 and PBKDF2, two to the power of bcrypt's cost, scrypt's `p`.
    pub rounds: u32,
}

/// What rounds are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// A pass of Argon2 (RFC 9106).
    Argon2 {
        /// Argon2d, Argon2i or Argon2id.
        algorithm: Algorithm,
        /// The version of the algorithm.
        version: Version,
        /// Memory that a pass fills.
        memory_kib: u32,
        /// In so many lanes of its own.
        parallelism: u32,
    },
    /// An expansion of bcrypt's key.
    Bcrypt,
    /// An iteration of PBKDF2 (RFC 8018 §5.2).
    Pbkdf2(Digest),
    /// A mixing of scrypt's memory (RFC 7914 §5).
    Scrypt {
        /// The logarithm of `N`.
        log_n: u8,
        /// `r`.
        block_size: u32,
    },
}

/// What PBKDF2 takes its HMAC from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Why a text is no hash that can be checked here. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HashError {
    /// None of the forms.
    #[error("is of no form that is known here")]
    Unknown,
    /// One of the forms, and broken.
    #[error("is damaged: {0}")]
    Damaged(&'static str),
    /// One of the forms, and a burden.
    #[error("costs too much to check: {what} may be {most} at the most")]
    Costly {
        /// Which parameter.
        what: &'static str,
        /// Its largest value.
        most: u64,
    },
    /// The work could not be done.
    #[error("could not be computed")]
    Failed,
}

impl Digest {
    /// Bytes of one block: more of a derived key proves nothing more.
    pub fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn hmac(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn iterations_max(self) -> u32 {
        match self {
            Self::Sha256 => SHA256_ITERATIONS_MAX,
            Self::Sha512 => SHA512_ITERATIONS_MAX,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2 {
                algorithm,
                version,
                memory_kib,
                parallelism,
            } => {
                let version = u32::from(*version);
                write!(
                    formatter,
                    "{algorithm} v={version} m={memory_kib} p={parallelism}"
                )
            }
            Self::Bcrypt => formatter.write_str("bcrypt"),
            Self::Pbkdf2(Digest::Sha256) => formatter.write_str("pbkdf2-sha256"),
            Self::Pbkdf2(Digest::Sha512) => formatter.write_str("pbkdf2-sha512"),
            Self::Scrypt { log_n, block_size } => {
                write!(formatter, "scrypt ln={log_n} r={block_size}")
            }
        }
    }
}

impl Work {
    /// The work of our own hashes.
    pub fn own(memory_kib: u32, iterations: u32, parallelism: u32) -> Self {
        let lane = Lane::Argon2 {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            memory_kib,
            parallelism,
        };
        Self {
            lane,
            rounds: iterations,
        }
    }

    /// Refuses what a stranger's hash must not cost.
    ///
    /// # Errors
    /// [`HashError::Costly`], with what is too large.
    pub fn require_affordable(self) -> Result<(), HashError> {
        let rounds = u64::from(self.rounds);
        match self.lane {
            Lane::Argon2 {
                memory_kib,
                parallelism,
                ..
            } => {
                at_most("the memory in KiB", memory_kib, MEMORY_KIB_MAX)?;
                let filled = u64::from(memory_kib).saturating_mul(rounds);
                at_most("memory in KiB times iterations", filled, FILLED_KIB_MAX)?;
                at_most("the parallelism", parallelism, PARALLELISM_MAX)
            }
            Lane::Bcrypt => {
                let cost = self.rounds.checked_ilog2().unwrap_or_default();
                at_most("the cost", cost, BCRYPT_COST_MAX)
            }
            Lane::Pbkdf2(digest) => at_most("iterations", rounds, digest.iterations_max()),
            Lane::Scrypt { log_n, block_size } => {
                // A block has 128 bytes for each `r`, and there are `N` of them (RFC 7914 §2).
                let blocks = 1_u64.checked_shl(log_n.into()).unwrap_or(u64::MAX);
                let memory = blocks.saturating_mul(block_size.into()) / 8;
                at_most("the memory in KiB", memory, MEMORY_KIB_MAX)?;
                let filled = memory.saturating_mul(rounds);
                at_most("memory in KiB times `p`", filled, FILLED_KIB_MAX)
            }
        }
    }

    /// Derives from a password what a check compares.
    ///
    /// # Errors
    /// [`HashError::Failed`] when there is no memory for it, or it was never possible.
    pub fn derive(self, password: &[u8], salt: &[u8], derived: &mut [u8]) -> Result<(), HashError> {
        match self.lane {
            Lane::Argon2 {
                algorithm,
                version,
                memory_kib,
                parallelism,
            } => {
                let length = Some(derived.len());
                let params = Params::new(memory_kib, self.rounds, parallelism, length);
                let argon2 = Argon2::new(algorithm, version, params.map_err(failed)?);
                argon2
                    .hash_password_into(password, salt, derived)
                    .map_err(failed)
            }
            Lane::Bcrypt => {
                let salt = salt.try_into().map_err(failed)?;
                let cost = self.rounds.checked_ilog2().ok_or(HashError::Failed)?;
                let key = bcrypt_key(password);
                let whole = Zeroizing::new(bcrypt::bcrypt(cost, salt, &key));
                for (to, from) in derived.iter_mut().zip(whole.iter()) {
                    *to = *from;
                }
                Ok(())
            }
            Lane::Pbkdf2(digest) => {
                let iterations = NonZeroU32::new(self.rounds).ok_or(HashError::Failed)?;
                pbkdf2::derive(digest.hmac(), iterations, salt, password, derived);
                Ok(())
            }
            Lane::Scrypt { log_n, block_size } => {
                let params = scrypt::Params::new(log_n, block_size, self.rounds);
                scrypt::scrypt(password, salt, &params.map_err(failed)?, derived).map_err(failed)
            }
        }
    }

    /// Does the work for nothing.
    ///
    /// # Errors
    /// [`HashError::Failed`] when there is no memory for it.
    pub fn spend(self, password: &[u8]) -> Result<(), HashError> {
        let mut derived = Zeroizing::new([0; 16]);
        self.hashes()
            .try_for_each(|hash| hash.derive(password, NOBODY, derived.as_mut_slice()))
    }

    /// The hashes that make up these rounds: one, but of bcrypt, whose rounds come in powers of
    /// two.
    fn hashes(self) -> impl Iterator<Item = Self> {
        let powers = match self.lane {
            Lane::Bcrypt => u32::MAX,
            Lane::Argon2 { .. } | Lane::Pbkdf2(_) | Lane::Scrypt { .. } => 0,
        };
        let parts = (0..u32::BITS).map(move |bit| self.rounds & powers & (1 << bit));
        let whole = self.rounds & !powers;
        parts
            .chain([whole])
            .filter(|rounds| *rounds > 0)
            .map(move |rounds| Self { rounds, ..self })
    }
}

fn at_most(
    what: &'static str,
    value: impl Into<u64>,
    most: impl Into<u64>,
) -> Result<(), HashError> {
    let most = most.into();
    if value.into() > most {
        return Err(HashError::Costly { what, most });
    }
    Ok(())
}

fn failed<E>(_: E) -> HashError {
    HashError::Failed
}

/// All that bcrypt looks at.
fn bcrypt_key(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(BCRYPT_KEY_BYTES));
    key.extend(password.iter().copied().chain([0]).take(BCRYPT_KEY_BYTES));
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(text: &str) -> Result<Work, HashError> {
        text.parse()
    }

    #[test]
    fn each_form_has_a_largest_cost() {
        for (largest, larger) in [
            ("$2b$14", "$2b$15"),
            ("pbkdf2_sha256$2000000", "pbkdf2_sha256$2000001"),
            ("$pbkdf2-sha512$i=1000000", "$pbkdf2-sha512$i=1000001"),
            ("$scrypt$ln=17,r=8,p=1", "$scrypt$ln=17,r=9,p=1"),
            ("$scrypt$ln=17,r=8,p=4", "$scrypt$ln=17,r=8,p=5"),
            (
                "$argon2id$v=19$m=131072,t=4,p=1",
                "$argon2id$v=19$m=131073,t=1,p=1",
            ),
            (
                "$argon2id$v=19$m=131072,t=4,p=16",
                "$argon2id$v=19$m=131072,t=5,p=1",
            ),
            (
                "$argon2id$v=19$m=65536,t=3,p=4",
                "$argon2id$v=19$m=65536,t=3,p=17",
            ),
            ("$scrypt$ln=1,r=1,p=1", "$scrypt$ln=50,r=1,p=1"),
        ] {
            work(largest).unwrap().require_affordable().unwrap();
            let refused = work(larger).unwrap().require_affordable();
            assert!(matches!(refused, Err(HashError::Costly { .. })), "{larger}");
        }
    }

    #[test]
    fn bcrypt_doubles_until_it_is_level() {
        let rest = Work {
            lane: Lane::Bcrypt,
            rounds: (1 << 12) - (1 << 9),
        };
        let costs: Vec<u32> = rest.hashes().map(|hash| hash.rounds.ilog2()).collect();
        assert_eq!(costs, [9, 10, 11]);
        let whole = Work::own(19456, 3, 1);
        assert_eq!(whole.hashes().collect::<Vec<_>>(), [whole]);
    }

    proptest! {
        #[test]
        fn what_is_affordable_fits_its_bounds(
            log_n in 1..64_u32, r in 1..100_000_u32, p in 1..100_000_u32, m in 8..1_000_000_u32,
        ) {
            for text in [
                format!("$scrypt$ln={log_n},r={r},p={p}"),
                format!("$argon2id$v=19$m={m},t={r},p=1"),
            ] {
                let Ok(work) = work(&text) else { continue };
                if work.require_affordable().is_ok() {
                    let memory_kib = match work.lane {
                        Lane::Scrypt { log_n, block_size } => {
                            (1_u64 << log_n) * u64::from(block_size) / 8
                        }
                        Lane::Argon2 { memory_kib, .. } => memory_kib.into(),
                        other @ (Lane::Bcrypt | Lane::Pbkdf2(_)) => panic!("{other}"),
                    };
                    prop_assert!(memory_kib <= 131_072);
                    prop_assert!(memory_kib * u64::from(work.rounds) <= 524_288);
                }
            }
        }
    }
}
