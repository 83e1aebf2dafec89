//! Threads for hashing, which step back for those that answer.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// How much less a thread that hashes gets of a core that others want too: at 10 about a tenth of
/// what a thread with the usual 0 gets. It is not starved, and it gives way at once to a thread
/// that wakes up.
const NICENESS: i32 = 10;

/// The threads. Each is started when there is work for it, sleeps while there is none, and ends
/// after ten seconds of that.
#[derive(Debug)]
pub struct Threads(Option<Runtime>);

impl Threads {
    /// At most so many.
    ///
    /// # Errors
    /// What the system answers.
    pub fn new(most: usize) -> io::Result<Self> {
        // Nothing ever runs on the runtime itself; it is the pool of threads that is wanted.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(most)
            .thread_name("password")
            .on_thread_start(step_back)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a job on one of them; `None` once they are closed.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        self.0.as_ref().map(|runtime| runtime.spawn_blocking(job))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Who drops it must not wait for a hash that nobody wants any more.
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the calling thread, where the system has one for each thread.
fn step_back() {
    // Linux alone: elsewhere it would be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "passwords are checked at the usual priority");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[tokio::test]
    async fn who_hashes_steps_back_and_nobody_else() {
        let before = getpriority_process(None).unwrap();
        let threads = Threads::new(1).unwrap();
        let inside = threads.run(|| getpriority_process(None).unwrap()).unwrap();
        assert_eq!(inside.await.unwrap(), before.max(NICENESS));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_no_thread_with_it() {
        let threads = Threads::new(1).unwrap();
        let panics = threads.run::<()>(|| panic!("of this test"));
        assert!(panics.unwrap().await.unwrap_err().is_panic());
        assert_eq!(threads.run(|| 7).unwrap().await.unwrap(), 7);
    }
}
