//! Passwords: checked on a small bounded pool, so that sign-ins never starve decisions.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as Parsed;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use gatepost_proto::ErrorReason;
use gatepost_store::PasswordHash;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Memory of one hash, in KiB (OWASP's first recommendation for Argon2id: 19 MiB, t=2, p=1).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Callers that may wait for a worker, per worker; the next one is told to come back.
const WAITING_PER_WORKER_MAX: usize = 64;
/// After how long a caller who found the queue full may come back, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// What is compared with the password of somebody who does not exist: the same work as for a real
/// hash, and no password has it. Written out, because making one would cost 19 MiB at every start.
const NOBODY: &str = concat!(
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIHRoZXJlIQ$",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
);

/// The pool.
pub struct Passwords {
    workers: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    argon2: Argon2<'static>,
}

impl Passwords {
    /// A pool that checks `workers` passwords at a time.
    ///
    /// # Errors
    /// `INTERNAL` if the parameters are none that Argon2 knows.
    pub fn new(workers: usize) -> Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Error::internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self {
            workers: Arc::new(Semaphore::new(workers)),
            queue: Arc::new(Semaphore::new(workers * (WAITING_PER_WORKER_MAX + 1))),
            argon2,
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// `OVERLOADED` when the queue is full.
    pub async fn hash(&self, password: &str) -> Result<PasswordHash> {
        let argon2 = self.argon2.clone();
        let password = Zeroizing::new(password.as_bytes().to_vec());
        self.work(move || hash(&argon2, &password)).await?
    }

    /// Whether `password` is the one that was hashed. Without a hash, which is when there is no
    /// such person, the same work is done and the answer is no.
    ///
    /// # Errors
    /// `OVERLOADED` when the queue is full, `INTERNAL` for a hash that cannot be read.
    pub async fn verify(&self, password: &str, stored: Option<&PasswordHash>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        let exists = stored.is_some();
        let stored = stored.map_or_else(|| PasswordHash(NOBODY.to_owned()), Clone::clone);
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let same = self
            .work(move || {
                let parsed = Parsed::new(&stored.0).map_err(Error::internal)?;
                Ok::<_, Error>(argon2.verify_password(&password, &parsed).is_ok())
            })
            .await??;
        Ok(same && exists)
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let full = |_| {
            Error::new(
                ErrorReason::Overloaded,
                "too many passwords are being checked",
            )
            .with("retry_after_seconds", RETRY_AFTER_S.to_string())
        };
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(full)?;
        let worker = Arc::clone(&self.workers)
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work and not by the caller, who may go away before it is done.
            let _held = (place, worker);
            job()
        })
        .await
        .map_err(Error::internal)
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<PasswordHash> {
    let hash = argon2.hash_password(password).map_err(Error::internal)?;
    Ok(PasswordHash(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let passwords = Passwords::new(1).unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        assert!(
            passwords
                .verify("correct horse", Some(&hash))
                .await
                .unwrap()
        );
        assert!(!passwords.verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(
            !passwords
                .verify("the password of nobody", None)
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_full_queue_refuses_instead_of_waiting() {
        let passwords = Arc::new(Passwords::new(1).unwrap());
        let calls = (0..WAITING_PER_WORKER_MAX + 20).map(|_| passwords.verify("x", None));
        let answers = futures::future::join_all(calls).await;
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(refused, 19);
        assert!(passwords.verify("x", None).await.is_ok());
    }
}
