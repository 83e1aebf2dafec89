//! Decisions in this process, fed by a server: how long they take and what they weigh, for
//! measurements.
//!
//! `decide_locally URL CLIENT_ID CLIENT_SECRET TOKENS TIMES` asks in turn for each token of the
//! file TOKENS, a token a line, after each was seen once. It prints JSON: nanoseconds of a whole
//! question with its token, and of the decision alone, without what looking at the clock costs;
//! and kilobytes of resident memory before it was fed and after.
#![expect(
    clippy::disallowed_methods,
    reason = "this program measures time, it does not act on it"
)]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use gatepost_client::local::{Ask, Local, LocalConfig, NO_ATTRIBUTES, Want};
use serde_json::{Value, json};

/// Questions about every token: allowed to all, to most, denied to some, allowed to nobody.
const QUESTIONS: [(&str, &str); 4] = [
    ("accounts", "get"),
    ("ledgers", "post"),
    ("accounts", "delete"),
    ("assets", "patch"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, client_id, client_secret, tokens, times] = arguments.as_slice() else {
        return Err("see the head of client/examples/decide_locally.rs".into());
    };
    let tokens = std::fs::read_to_string(tokens)?;
    let tokens: Vec<&str> = tokens.lines().collect();
    let before = resident_kb()?;
    let begun = Instant::now();
    let config = LocalConfig::new(url, client_id, client_secret, &["midaz"]);
    let gate = Local::connect(config).await?;
    let first = tokens.first().ok_or("there are no tokens")?;
    gate.may(first, &ask(0)).await?;
    let fed_ms = begun.elapsed().as_millis();
    for token in &tokens {
        gate.may(token, &ask(0)).await?;
    }
    let after = resident_kb()?;
    let (mut whole, mut alone, mut allowed) = (Vec::new(), Vec::new(), 0_u64);
    let cost = timer_ns();
    for (number, token) in tokens.iter().cycle().take(times.parse()?).enumerate() {
        let ask = ask(number / tokens.len());
        let begun = Instant::now();
        let answer = black_box(gate.may(token, &ask).await)?;
        whole.push(elapsed_ns(begun).saturating_sub(cost));
        allowed += u64::from(answer.allowed);
        let caller = gate.authenticate(token, Want::default()).await?;
        let begun = Instant::now();
        black_box(Local::answer(&caller, &ask))?;
        alone.push(elapsed_ns(begun).saturating_sub(cost));
        // The follower of the server runs on this thread, too.
        tokio::task::yield_now().await;
    }
    let told = json!({
        "fed_ms": u64::try_from(fed_ms)?,
        "whole": percentiles(whole),
        "alone": percentiles(alone),
        "allowed": allowed,
        "resident_before_kb": before,
        "resident_after_kb": after,
    });
    println!("{told}");
    Ok(())
}

fn ask(number: usize) -> Ask<'static> {
    let (resource, action) = QUESTIONS
        .get(number % QUESTIONS.len())
        .copied()
        .unwrap_or_default();
    Ask {
        sub: "",
        product: "midaz",
        resource,
        action,
        attributes: &NO_ATTRIBUTES,
    }
}

fn percentiles(mut samples: Vec<u64>) -> Value {
    samples.sort_unstable();
    let at = |percent: usize| samples.get(samples.len() * percent / 100).copied();
    json!({"p50_ns": at(50), "p99_ns": at(99)})
}

/// What looking at the clock twice costs, with nothing in between.
fn timer_ns() -> u64 {
    let mut samples: Vec<u64> = (0..10_000)
        .map(|_| elapsed_ns(black_box(Instant::now())))
        .collect();
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

fn elapsed_ns(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn resident_kb() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no resident memory is told")?.parse()?)
}
