//! How long things take, one by one.
#![expect(
    clippy::disallowed_methods,
    reason = "this program measures time, it does not act on it"
)]

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};

/// Nanoseconds of each run, sorted, without what looking at the clock costs.
pub struct Samples(Vec<u64>);

impl Samples {
    /// Runs it once for each item, looking at the clock before and after every single one. What is
    /// made ready is not part of it: a question that is asked has just been read.
    pub fn of_each<T, P, R>(
        items: &[T],
        mut ready: impl FnMut(&T) -> P,
        mut run: impl FnMut(&P) -> R,
    ) -> Self {
        let cost = timer_ns();
        let one = |item| {
            let prepared = black_box(ready(item));
            let start = Instant::now();
            black_box(run(&prepared));
            elapsed_ns(start).saturating_sub(cost)
        };
        let mut samples: Vec<u64> = items.iter().map(one).collect();
        samples.sort_unstable();
        Self(samples)
    }

    /// The sample below which so many thousandths of all are.
    pub fn at(&self, thousandths: usize) -> u64 {
        let position = self.0.len() * thousandths / 1_000;
        self.0.get(position).copied().unwrap_or_default()
    }

    /// Median, 99th percentile and mean.
    pub fn told(&self) -> Value {
        let count = u64::try_from(self.0.len()).unwrap_or(1).max(1);
        let mean = self.0.iter().sum::<u64>() / count;
        json!({ "p50_ns": self.at(500), "p99_ns": self.at(990), "mean_ns": mean })
    }
}

/// What looking at the clock twice costs, with nothing in between.
pub fn timer_ns() -> u64 {
    let mut samples: Vec<u64> = (0..100_000)
        .map(|_| elapsed_ns(black_box(Instant::now())))
        .collect();
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// A result, and the microseconds that it took.
pub fn timed_us<R>(run: impl FnOnce() -> R) -> (R, u64) {
    let start = Instant::now();
    let result = run();
    (result, elapsed_ns(start) / 1_000)
}

fn elapsed_ns(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
