//! A generator of gRPC load, for measurements: `load PLAN.json` sends, and prints what it saw as
//! JSON on its standard output.
//!
//! A flow with a rate is an open loop: each call has a time at which it is due, whatever became of
//! those before it, and its latency counts from then. A server that stalls for a second is seen to
//! have made a thousand callers wait, and not one (“coordinated omission”). A flow without a rate
//! is a closed loop, which measures throughput: each place in flight sends its next call when its
//! last one was answered.
//!
//! It runs on one thread that never sleeps, because a timer wakes up a millisecond too late. Give
//! it a core of its own.

mod blocks;
mod connection;
mod flow;
mod frames;
mod plan;

use std::error::Error;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use flow::{Flow, Span};
use plan::Plan;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which plan?")?;
    let plan: Plan = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut flows = Vec::with_capacity(plan.flows.len());
    for flow in plan.flows {
        flows.push(Flow::connect(plan.address, flow).await?);
    }
    let begin = Instant::now();
    let measured = begin + Duration::from_secs_f64(plan.warm_up_seconds);
    let span = Span {
        begin,
        measured,
        end: measured + Duration::from_secs_f64(plan.seconds),
    };
    for flow in &mut flows {
        flow.begin(span);
    }
    loop {
        let mut goes_on = false;
        for flow in &mut flows {
            goes_on |= flow.turn();
        }
        if !goes_on {
            break;
        }
        // What else is on this core, such as a database, has a chance.
        std::thread::yield_now();
    }
    let seen: Vec<Value> = flows.iter().map(Flow::seen).collect();
    println!("{}", Value::from(seen));
    Ok(())
}
