//! The work itself, as it is done on a thread of the pool, and the count of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use gatepost_store::PasswordHash;

use super::Verdict;
use super::share::Share;
use super::stored::Stored;
use super::work::{HashError, Lane, Work};
use crate::error::{Error, Result};

/// Hashes and compares. Its copies share one count.
#[derive(Debug, Clone)]
pub struct Hasher {
    /// What one of our own hashes costs.
    pub own: Work,
    argon2: Argon2<'static>,
    done: Arc<Mutex<BTreeMap<Lane, u64>>>,
}

impl Hasher {
    /// One that makes hashes of these parameters.
    ///
    /// # Errors
    /// `INTERNAL` if they are none that Argon2 knows.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self> {
        let params =
            Params::new(memory_kib, iterations, parallelism, None).map_err(Error::internal)?;
        Ok(Self {
            own: Work::own(memory_kib, iterations, parallelism),
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            done: Arc::default(),
        })
    }

    /// Hashes a password.
    pub fn hash(&self, password: &[u8]) -> Result<PasswordHash> {
        self.count(self.own);
        let hash = self
            .argon2
            .hash_password(password)
            .map_err(Error::internal)?;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Whether `stored` is the hash of `password`.
    pub fn fits(&self, password: &[u8], stored: &Stored) -> Result<bool, HashError> {
        self.count(stored.work);
        stored.fits(password)
    }

    /// Judges a sign-in: the same rounds are done whatever is stored, and if nothing is. Only who
    /// knew the password, and knows that anyway, may wait for a better hash of it.
    pub fn judge(
        &self,
        password: &[u8],
        stored: Option<&Stored>,
        share: &Share,
    ) -> Result<Verdict> {
        let right = match stored {
            Some(stored) => self.fits(password, stored).map_err(Error::internal)?,
            None => false,
        };
        for work in share.less(stored.map(|stored| stored.work)) {
            self.count(work);
            work.spend(password).map_err(Error::internal)?;
        }
        if !right {
            return Ok(Verdict::Wrong);
        }
        let is_own = stored.is_some_and(|stored| stored.work == self.own);
        let better = (!is_own).then(|| self.hash(password)).transpose()?;
        Ok(Verdict::Right { better })
    }

    /// The rounds that were done so far, by lane.
    pub fn done(&self) -> BTreeMap<Lane, u64> {
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn count(&self, work: Work) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done.entry(work.lane).or_default() += u64::from(work.rounds);
    }
}
