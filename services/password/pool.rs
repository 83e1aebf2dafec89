//! The bounded queue before the threads that hash.

use std::sync::Arc;

use gatepost_proto::ErrorReason;
use tokio::sync::Semaphore;

use super::threads::Threads;
use crate::error::{Error, Result};

/// Callers that may wait for a worker, per worker; the next one is told to come back.
pub const WAITING_PER_WORKER_MAX: usize = 64;
/// After how long a caller who found the queue full may come back, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// Workers, and the queue before them.
#[derive(Debug)]
pub struct Pool {
    workers: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    threads: Threads,
}

impl Pool {
    /// A pool that does `workers` jobs at a time.
    ///
    /// # Errors
    /// `INTERNAL` when the system gives no threads.
    pub fn new(workers: usize) -> Result<Self> {
        Ok(Self {
            workers: Arc::new(Semaphore::new(workers)),
            queue: Arc::new(Semaphore::new(workers * (WAITING_PER_WORKER_MAX + 1))),
            threads: Threads::new(workers).map_err(Error::internal)?,
        })
    }

    /// Does a job, once a worker is free.
    ///
    /// # Errors
    /// `OVERLOADED` when the queue is full.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
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
        let done = self.threads.run(move || {
            // Held by the work and not by the caller, who may go away before it is done.
            let _held = (place, worker);
            job()
        });
        let done = done.ok_or_else(|| Error::internal("the threads that hash are closed"))?;
        done.await.map_err(Error::internal)
    }
}
