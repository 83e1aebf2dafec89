//! The threads that serve: one for each core, each with connections and a runtime of its own.
//!
//! What happens on a connection happens on one thread, so that an answer costs no other thread's
//! waking. Work that waits for a database goes to the program's own runtime (`conversation.rs`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::conversation::{Faces, converse};
use super::listener::{Accepted, Listener};

/// Accepted connections that wait for their thread.
const ACCEPTED_MAX: usize = 128;
/// So many connections take a turn before the thread looks which others have something to say.
/// Those of a flood always have: by the runtime's own measure, made for shorter tasks, somebody
/// else would be noticed after 61.
const TURNS_BETWEEN_LOOKS: u32 = 4;

/// All threads that serve.
pub struct Threads(Vec<Thread>);

struct Thread {
    give: mpsc::Sender<Accepted>,
    /// Connections that it has, or will have.
    open: Arc<AtomicUsize>,
    ended: oneshot::Receiver<()>,
}

/// What a thread is made of.
struct Parts {
    runtime: Runtime,
    given: mpsc::Receiver<Accepted>,
    open: Arc<AtomicUsize>,
    faces: Arc<Faces>,
    stopped: watch::Receiver<bool>,
    abandoned: watch::Receiver<()>,
}

/// Serves until it is told to stop, and every connection has ended.
///
/// Whoever drops this future ends the connections that are left.
///
/// # Errors
/// A thread that cannot be started.
pub async fn serve(listener: Listener, faces: Faces, stopped: watch::Receiver<bool>) -> Result<()> {
    let (_abandon, abandoned) = watch::channel(());
    let faces = Arc::new(faces);
    let cores = thread::available_parallelism()?.get();
    let threads = (0..cores)
        .map(|number| Thread::start(number, &faces, &stopped, &abandoned))
        .collect::<io::Result<_>>()
        .context("cannot start the threads that serve")?;
    let threads = Threads(threads);
    listener.accept(&threads, stopped).await;
    for Thread { give, ended, .. } in threads.0 {
        drop(give);
        // It sends nothing: it ends.
        let _ = ended.await;
    }
    Ok(())
}

impl Threads {
    /// Gives a connection to the thread that has the fewest: connections of gRPC are few and stay
    /// long, so chance would often give all of them to one.
    pub async fn give(&self, accepted: Accepted) {
        let fewest = |thread: &&Thread| thread.open.load(Ordering::Relaxed);
        if let Some(thread) = self.0.iter().min_by_key(fewest) {
            thread.open.fetch_add(1, Ordering::Relaxed);
            // A thread ends after this one.
            let _ = thread.give.send(accepted).await;
        }
    }
}

impl Thread {
    fn start(
        number: usize,
        faces: &Arc<Faces>,
        stopped: &watch::Receiver<bool>,
        abandoned: &watch::Receiver<()>,
    ) -> io::Result<Self> {
        let (give, given) = mpsc::channel(ACCEPTED_MAX);
        let (end, ended) = oneshot::channel();
        let open = Arc::new(AtomicUsize::new(0));
        let parts = Parts {
            runtime: Builder::new_current_thread()
                .event_interval(TURNS_BETWEEN_LOOKS)
                .enable_all()
                .build()?,
            given,
            open: Arc::clone(&open),
            faces: Arc::clone(faces),
            stopped: stopped.clone(),
            abandoned: abandoned.clone(),
        };
        thread::Builder::new()
            .name(format!("serve-{number}"))
            .spawn(move || {
                parts.run();
                drop(end);
            })?;
        Ok(Self { give, open, ended })
    }
}

impl Parts {
    fn run(self) {
        let Self {
            runtime,
            given,
            open,
            faces,
            stopped,
            mut abandoned,
        } = self;
        runtime.block_on(async move {
            tokio::select! {
                () = serve_given(given, &open, &faces, &stopped) => {}
                // Nobody sends: the sender goes.
                _ = abandoned.changed() => {}
            }
        });
    }
}

/// Serves the connections of one thread, until there are none and there will be none.
async fn serve_given(
    mut given: mpsc::Receiver<Accepted>,
    open: &Arc<AtomicUsize>,
    faces: &Arc<Faces>,
    stopped: &watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = given.recv() => match accepted {
                None => break,
                Some(accepted) => {
                    let (open, faces) = (Arc::clone(open), Arc::clone(faces));
                    let stopped = stopped.clone();
                    connections.spawn(async move {
                        if let Some((stream, peer, _place)) = accepted.open().await {
                            converse(stream, peer, faces, stopped).await;
                        }
                        open.fetch_sub(1, Ordering::Relaxed);
                    });
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}
