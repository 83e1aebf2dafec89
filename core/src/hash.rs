//! The one hash of the crate's maps.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

/// Hashes a key under this process's seed.
///
/// The seed is not known outside, so that nobody chooses names that collide; no answer depends
/// on it.
pub(crate) fn hash_of<K: Hash + ?Sized>(key: &K) -> u64 {
    state().hash_one(key)
}

/// Hashes a name, as `hash_of` would; it leaves out the mark at the end that keeps two texts apart
/// in one key, because a name is the whole key.
pub(crate) fn hash_of_name(name: &str) -> u64 {
    let mut hasher = state().build_hasher();
    hasher.write(name.as_bytes());
    hasher.finish()
}

fn state() -> SeedableRandomState {
    SeedableRandomState::with_seed(0, SharedSeed::global_random())
}

/// What is kept by its hash.
pub(crate) trait Key: Eq + Clone {
    /// The hash by which it is found.
    fn hash(&self) -> u64;
}

/// A hash of two things, as good as the hash of each.
pub(crate) fn join(first: u64, second: u64) -> u64 {
    // A folded multiplication, as in the hash itself; the constant keeps equal parts from being 0.
    let (first, second) = (first ^ 0x9e37_79b9_7f4a_7c15, second.rotate_left(23) | 1);
    let high = (u128::from(first) * u128::from(second)) >> 64;
    high as u64 ^ first.wrapping_mul(second)
}
