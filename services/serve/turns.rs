//! How the connections of a thread take turns, so that nobody waits for more than a turn of one
//! that floods.
//!
//! In a turn a connection reads so much and no more, and the calls that it brought are run in the
//! connection's own task, for so long and no longer. What is left waits until every other
//! connection had its turn. With a task for each call, and as much read as there is, everything
//! that a flood has sent would stand before the next call of anybody else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::Instant;

/// What is read in a turn, in bytes, give or take one read: a dozen calls with their tokens.
const TURN_BYTES: usize = 16 * 1024;
/// No further call is begun in a turn that has run calls for so long.
const TURN_MAX: Duration = Duration::from_micros(200);

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The turns of one connection; clones share them.
#[derive(Clone, Default)]
pub struct Turns(Arc<Turn>);

#[derive(Default)]
struct Turn {
    /// What may still be read in this turn, in bytes.
    rest: AtomicUsize,
    /// Calls that were read and not yet begun.
    calls: Mutex<VecDeque<Call>>,
}

impl Turns {
    /// Polls a connection for one turn, and runs the calls that it brought.
    pub fn take<C: Future>(
        &self,
        connection: Pin<&mut C>,
        cx: &mut Context<'_>,
    ) -> Poll<C::Output> {
        // As long as calls are left, it only sends.
        let rest = if self.calls().is_empty() {
            TURN_BYTES
        } else {
            0
        };
        self.0.rest.store(rest, Ordering::Relaxed);
        let polled = connection.poll(cx);
        if polled.is_pending() && self.run() {
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// Whether more may be read in this turn. Who may not has to ask for another one.
    pub fn may_read(&self) -> bool {
        self.0.rest.load(Ordering::Relaxed) > 0
    }

    /// Notes what was read.
    pub fn note(&self, bytes: usize) {
        // Only the thread of the connection ever writes it.
        let rest = self.0.rest.load(Ordering::Relaxed).saturating_sub(bytes);
        self.0.rest.store(rest, Ordering::Relaxed);
    }

    /// Runs calls for as long as a turn may take; whether some are left.
    fn run(&self) -> bool {
        let end = Instant::now() + TURN_MAX;
        while let Some(call) = self.next() {
            run(call);
            if Instant::now() >= end {
                break;
            }
        }
        !self.calls().is_empty()
    }

    fn next(&self) -> Option<Call> {
        self.calls().pop_front()
    }

    fn calls(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Executor<F> for Turns
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        self.calls().push_back(Box::pin(call));
    }
}

/// Most calls have nothing to wait for: their message came with their head, and what they are
/// answered from is in memory. One that has to wait becomes a task, where it is asked again, with
/// a waker that counts.
fn run(mut call: Call) {
    let mut context = Context::from_waker(Waker::noop());
    // As in a task, a panic ends the call and not what else is on the connection.
    let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut context)));
    if polled.is_ok_and(|polled| polled.is_pending()) {
        tokio::spawn(call);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::thread;

    use futures::poll;
    use tokio::sync::oneshot;

    use super::*;

    /// A connection that brings nothing, and notes in which turns it might have read.
    async fn connection(turns: Turns, might: Arc<Mutex<Vec<bool>>>) {
        poll_fn(|_| {
            might.lock().unwrap().push(turns.may_read());
            Poll::<()>::Pending
        })
        .await;
    }

    fn count(counted: &Arc<AtomicUsize>) -> usize {
        counted.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_a_turn_has_no_time_for_waits_and_nothing_is_read_before_it() {
        let (turns, might, ran) = <(Turns, Arc<Mutex<Vec<bool>>>, Arc<AtomicUsize>)>::default();
        for _ in 0..3 {
            let ran = Arc::clone(&ran);
            turns.execute(async move {
                thread::sleep(TURN_MAX);
                ran.fetch_add(1, Ordering::Relaxed);
            });
        }
        let mut connection = pin!(connection(turns.clone(), Arc::clone(&might)));
        let mut turn = pin!(poll_fn(|cx| turns.take(connection.as_mut(), cx)));
        for number in 1..=4 {
            assert!(poll!(turn.as_mut()).is_pending());
            assert_eq!(count(&ran), number.min(3));
        }
        // It is asked in every turn: the answers of the last one have to be sent.
        assert_eq!(*might.lock().unwrap(), [false, false, false, true]);
    }

    #[tokio::test]
    async fn a_turn_reads_so_much() {
        let turns = Turns::default();
        assert!(!turns.may_read(), "before the first turn");
        let mut connection = pin!(connection(turns.clone(), Arc::default()));
        let mut turn = pin!(poll_fn(|cx| turns.take(connection.as_mut(), cx)));
        for _ in 0..2 {
            assert!(poll!(turn.as_mut()).is_pending());
            turns.note(TURN_BYTES - 1);
            assert!(turns.may_read());
            turns.note(2);
            assert!(!turns.may_read());
        }
    }

    #[tokio::test]
    async fn a_call_that_waits_or_fails_holds_up_nobody() {
        let (turns, ran) = <(Turns, Arc<AtomicUsize>)>::default();
        let (go, gone) = oneshot::channel();
        let (done, end) = oneshot::channel();
        turns.execute(async move {
            gone.await.unwrap();
            done.send(()).unwrap();
        });
        turns.execute(async { panic!("a call that fails") });
        let also = Arc::clone(&ran);
        turns.execute(async move {
            also.fetch_add(1, Ordering::Relaxed);
        });
        let mut connection = pin!(connection(turns.clone(), Arc::default()));
        let mut turn = pin!(poll_fn(|cx| turns.take(connection.as_mut(), cx)));
        while count(&ran) == 0 {
            assert!(poll!(turn.as_mut()).is_pending());
        }
        go.send(()).unwrap();
        end.await.unwrap();
    }
}
