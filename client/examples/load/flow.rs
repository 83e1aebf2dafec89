//! A flow: calls on their own connections, and what became of them.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, timeout};

use crate::call::{self, Connection};
use crate::plan::{self, FlowPlan, Prepared};

/// The longest latency that is told apart, in nanoseconds.
const LATENCY_NS_MAX: u64 = 60_000_000_000;
/// Digits of a latency that are kept.
const DIGITS: u8 = 3;
/// Calls of an open loop that may be open at once; a server that is so far behind has failed.
const OPEN_MAX: usize = 20_000;
/// How long is waited for answers after the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// When calls are made, and from when on they count.
#[derive(Clone, Copy)]
pub struct Span {
    /// The first call.
    pub begin: Instant,
    /// The first call that counts.
    pub measured: Instant,
    /// No call from then on.
    pub end: Instant,
}

/// A flow.
pub struct Flow {
    plan: FlowPlan,
    requests: Vec<Prepared>,
    connections: Vec<Connection>,
    next: AtomicUsize,
    seen: Mutex<Seen>,
}

struct Seen {
    latency: Histogram<u64>,
    /// How late calls of an open loop were sent: what the generator itself cannot do.
    lateness: Histogram<u64>,
    failures: u64,
    failure: Option<String>,
    last: Option<Instant>,
}

impl Flow {
    /// Opens the connections of a flow.
    ///
    /// # Errors
    /// Requests that cannot be read, a server that does not answer.
    pub async fn connect(address: SocketAddr, plan: FlowPlan) -> Result<Self, Box<dyn Error>> {
        let requests = plan::requests(&plan.requests, address)?;
        let mut connections = Vec::with_capacity(plan.connections);
        for _ in 0..plan.connections {
            connections.push(call::connect(address).await?);
        }
        if requests.is_empty() || connections.is_empty() {
            return Err("a flow needs requests and connections".into());
        }
        let histogram = || Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS);
        let seen = Seen {
            latency: histogram()?,
            lateness: histogram()?,
            failures: 0,
            failure: None,
            last: None,
        };
        Ok(Self {
            plan,
            requests,
            connections,
            next: AtomicUsize::new(0),
            seen: Mutex::new(seen),
        })
    }

    /// Sends for as long as the span says, or until every request was sent once.
    pub async fn run(self: Arc<Self>, span: Span) {
        match self.plan.rate {
            Some(rate) => self.run_open(rate, span).await,
            None => self.run_closed(span).await,
        }
    }

    async fn run_open(self: Arc<Self>, rate: f64, span: Span) {
        let gap = Duration::from_secs_f64(1.0 / rate);
        let mut calls = JoinSet::new();
        let mut due = span.begin;
        let mut number = 0;
        while due < span.end {
            let now = Instant::now();
            while due <= now && due < span.end {
                if calls.len() < OPEN_MAX {
                    calls.spawn(Arc::clone(&self).call(number, due, span));
                } else {
                    self.seen().fail("too many calls were open".to_owned());
                }
                number += 1;
                due += gap;
            }
            while calls.try_join_next().is_some() {}
            yield_now().await;
        }
        self.wait(calls).await;
    }

    async fn run_closed(self: Arc<Self>, span: Span) {
        let mut places = JoinSet::new();
        for place in 0..self.connections.len() * self.plan.in_flight {
            let flow = Arc::clone(&self);
            places.spawn(async move {
                while let Some(number) = flow.next_number() {
                    let now = Instant::now();
                    if now >= span.end {
                        break;
                    }
                    flow.answer(place, number, now, span).await;
                }
            });
        }
        if self.plan.once {
            while places.join_next().await.is_some() {}
        } else {
            let rest = span.end.saturating_duration_since(Instant::now());
            tokio::time::sleep(rest).await;
            self.wait(places).await;
        }
    }

    /// Waits for what is still open.
    async fn wait(&self, mut calls: JoinSet<()>) {
        let all = async { while calls.join_next().await.is_some() {} };
        if timeout(PATIENCE, all).await.is_err() {
            self.seen().fail("an answer did not come".to_owned());
        }
    }

    fn next_number(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (!self.plan.once || number < self.requests.len()).then_some(number)
    }

    async fn call(self: Arc<Self>, number: usize, due: Instant, span: Span) {
        if due >= span.measured {
            let late = due.elapsed();
            self.seen().lateness.saturating_record(nanoseconds(late));
        }
        self.answer(number, number, due, span).await;
    }

    /// One call, on the connection of that place.
    async fn answer(&self, place: usize, number: usize, due: Instant, span: Span) {
        let connection = self.connections.get(place % self.connections.len());
        let request = self.requests.get(number % self.requests.len());
        let (Some(connection), Some(request)) = (connection, request) else {
            return;
        };
        let result = call::call(connection.clone(), request).await;
        let now = Instant::now();
        let mut seen = self.seen();
        match result {
            Err(words) => seen.fail(words),
            // A closed loop counts what was answered within the span, whenever it was sent.
            Ok(()) if self.counts(due, now, span) => {
                let latency = nanoseconds(now.saturating_duration_since(due));
                seen.latency.saturating_record(latency);
                seen.last = Some(now);
            }
            Ok(()) => {}
        }
    }

    fn counts(&self, due: Instant, now: Instant, span: Span) -> bool {
        if self.plan.once {
            return true;
        }
        match self.plan.rate {
            Some(_) => due >= span.measured,
            None => now >= span.measured && now < span.end,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of the calls that count.
    pub fn seen_in(&self, span: Span) -> Value {
        let seen = self.seen();
        let (from, until) = if self.plan.once {
            (span.begin, seen.last.unwrap_or(span.end))
        } else {
            (span.measured, span.end)
        };
        let seconds = until.saturating_duration_since(from).as_secs_f64();
        let calls = seen.latency.len();
        let latency = |share: f64| microseconds(seen.latency.value_at_quantile(share));
        json!({
            "name": self.plan.name,
            "calls": calls,
            "seconds": seconds,
            "rate": rate(calls, seconds),
            "failures": seen.failures,
            "failure": seen.failure,
            "mean_us": seen.latency.mean() / 1000.0,
            "p50_us": latency(0.5),
            "p90_us": latency(0.9),
            "p99_us": latency(0.99),
            "p999_us": latency(0.999),
            "max_us": microseconds(seen.latency.max()),
            "late_p99_us": microseconds(seen.lateness.value_at_quantile(0.99)),
        })
    }
}

impl Seen {
    fn fail(&mut self, words: String) {
        self.failures += 1;
        self.failure.get_or_insert(words);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count and a minute of nanoseconds are far below 2^52"
)]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn rate(calls: u64, seconds: f64) -> f64 {
    calls as f64 / seconds
}
