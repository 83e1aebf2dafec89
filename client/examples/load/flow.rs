//! A flow: calls on their own connections, and what became of them.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::blocks::{self, Blocks};
use crate::connection::{Connection, Outcome};
use crate::plan::{self, FlowPlan};

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
    blocks: Blocks,
    bodies: Vec<Vec<u8>>,
    connections: Vec<Connection<Instant>>,
    span: Span,
    /// Of an open loop: when the next call is due.
    due: Instant,
    /// Calls so far.
    made: usize,
    seen: Seen,
}

struct Seen {
    latency: Histogram<u64>,
    /// How late calls of an open loop were taken up: what the generator itself cannot do.
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
        let blocks = blocks::encode(&requests).await?;
        let bodies: Vec<_> = requests.into_iter().map(|request| request.body).collect();
        let connections = (0..plan.connections)
            .map(|_| Connection::open(address, &blocks, &bodies))
            .collect::<io::Result<Vec<_>>>()?;
        if connections.is_empty() {
            return Err("a flow needs connections".into());
        }
        let histogram = || Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS);
        let seen = Seen {
            latency: histogram()?,
            lateness: histogram()?,
            failures: 0,
            failure: None,
            last: None,
        };
        let now = Instant::now();
        Ok(Self {
            plan,
            blocks,
            bodies,
            connections,
            span: Span {
                begin: now,
                measured: now,
                end: now,
            },
            due: now,
            made: 0,
            seen,
        })
    }

    /// Says when. A closed loop makes its first calls now.
    pub fn begin(&mut self, span: Span) {
        (self.span, self.due) = (span, span.begin);
        if self.plan.rate.is_none() {
            for place in 0..self.connections.len() * self.plan.in_flight {
                self.call(place, span.begin);
            }
        }
    }

    /// Makes the calls that are due, and looks for answers; whether the flow goes on.
    pub fn turn(&mut self) -> bool {
        let now = Instant::now();
        if let Some(rate) = self.plan.rate {
            self.make_due(now, Duration::from_secs_f64(1.0 / rate));
        }
        let mut open = 0;
        for place in 0..self.connections.len() {
            open += self.look(place);
        }
        let is_over = if self.plan.once {
            self.made >= self.bodies.len()
        } else {
            now >= self.span.end
        };
        if is_over && open > 0 && now >= self.span.end + PATIENCE && !self.plan.once {
            self.seen.fail("an answer did not come".to_owned());
            return false;
        }
        !is_over || open > 0
    }

    fn make_due(&mut self, now: Instant, gap: Duration) {
        while self.due <= now && self.due < self.span.end {
            let due = self.due;
            if due >= self.span.measured {
                let late = nanoseconds(now.saturating_duration_since(due));
                self.seen.lateness.saturating_record(late);
            }
            let open: usize = self.connections.iter().map(Connection::calls).sum();
            if open < OPEN_MAX {
                self.call(self.made, due);
            } else {
                self.seen.fail("too many calls were open".to_owned());
                self.made += 1;
            }
            self.due += gap;
        }
    }

    /// A call, on the connection of that place.
    fn call(&mut self, place: usize, due: Instant) {
        if self.plan.once && self.made >= self.bodies.len() {
            return;
        }
        let place = place % self.connections.len();
        if let Some(connection) = self.connections.get_mut(place) {
            connection.call(due, self.made % self.bodies.len());
            self.made += 1;
        }
    }

    /// A look at one connection; answers how many of its calls are open.
    fn look(&mut self, place: usize) -> usize {
        let Some(connection) = self.connections.get_mut(place) else {
            return 0;
        };
        let (plan, span, seen) = (&self.plan, self.span, &mut self.seen);
        let mut ended = 0;
        let turn = connection.turn(&self.blocks, &self.bodies, &mut |due, outcome| {
            ended += 1;
            seen.note(plan, span, due, outcome);
        });
        let now = Instant::now();
        if let Err(error) = turn {
            seen.fail(format!("a connection ended: {error}"));
            let open = connection.calls();
            self.connections.remove(place);
            seen.failures += u64::try_from(open).unwrap_or_default();
            return 0;
        }
        if self.plan.rate.is_none() && (self.plan.once || now < self.span.end) {
            for _ in 0..ended {
                self.call(place, now);
            }
        }
        self.connections.get(place).map_or(0, Connection::calls)
    }

    /// What became of the calls that count.
    pub fn seen(&self) -> Value {
        let (seen, span) = (&self.seen, self.span);
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
    fn note(&mut self, plan: &FlowPlan, span: Span, due: Instant, outcome: Outcome) {
        let now = Instant::now();
        // A closed loop counts what was answered within the span, whenever it was sent.
        let counts = match plan.rate {
            _ if plan.once => true,
            Some(_) => due >= span.measured,
            None => now >= span.measured && now < span.end,
        };
        match outcome {
            Err(words) => self.fail(words),
            Ok(()) if counts => {
                let latency = nanoseconds(now.saturating_duration_since(due));
                self.latency.saturating_record(latency);
                self.last = Some(now);
            }
            Ok(()) => {}
        }
    }

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
