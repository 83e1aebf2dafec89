//! The one hash of the crate's maps.

use std::hash::{BuildHasher, Hash};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

/// Hashes a key under this process's seed.
///
/// The seed is not known outside, so that nobody chooses names that collide; no answer depends
/// on it.
pub(crate) fn hash_of<K: Hash + ?Sized>(key: &K) -> u64 {
    SeedableRandomState::with_seed(0, SharedSeed::global_random()).hash_one(key)
}
