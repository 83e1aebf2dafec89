//! Gatepost's decision beside those of Cedar and Casbin: prints one JSON object.
//!
//! ```sh
//! cargo run --release --manifest-path rivals/Cargo.toml
//! ```
//!
//! Gatepost answers from an organization of 100,000 people. The others are given only the matching
//! slice: the user, her groups, and of her roles the lines that match the question.

#[path = "../../core/examples/figures/clock.rs"]
#[expect(dead_code, reason = "the rest is for the figures of the core")]
mod clock;
#[path = "../../core/examples/figures/dataset.rs"]
#[expect(dead_code, reason = "the rest is for the figures of the core")]
mod dataset;
mod slice;

use clock::Samples;
use dataset::{Ask, Shape};
use gatepost_core::{NO_ATTRIBUTES, Question, Subject, View, decide};
use gatepost_rivals::{Casbin, Cedar, Result};
use serde_json::{Value, json};
use slice::Roles;

/// Questions that all are asked, and how often.
const ASKS: u64 = 500;
const ROUNDS: usize = 11;

fn main() -> Result<()> {
    println!("{:#}", compare()?);
    Ok(())
}

/// A question with the others that are going to answer it.
struct Rivals {
    ask: Ask,
    cedar: Cedar,
    request: cedar_policy::Request,
    casbin: Casbin,
}

impl Rivals {
    fn casbin_allows(&self) -> bool {
        let answer = self
            .casbin
            .allows("user", &self.ask.resource, self.ask.action);
        answer.unwrap_or_default()
    }
}

fn compare() -> Result<Value> {
    let shape = Shape::people(100_000);
    let (system, organization) = (dataset::system(1), dataset::build(0, shape));
    let roles = Roles::new();
    let mut all = Vec::new();
    for ask in dataset::questions(ASKS, 1, shape) {
        let policy = roles.matching(shape, &ask);
        all.push(Rivals {
            request: Cedar::request("user", &ask.resource, ask.action)?,
            cedar: Cedar::new(&policy)?,
            casbin: Casbin::new(&policy)?,
            ask,
        });
    }
    let ours = |rivals: &&Rivals| {
        let ask = &rivals.ask;
        let view = View {
            system: &system,
            organization: &organization,
            single_tenant: false,
            now_s: 0,
        };
        let question = Question {
            product: Some(&ask.product),
            resource: &ask.resource,
            action: ask.action,
            attributes: &NO_ATTRIBUTES,
        };
        decide(view, Subject::User(ask.user), question).allowed
    };
    let cedars = |rivals: &&Rivals| rivals.cedar.allows(&rivals.request);
    let casbins = |rivals: &&Rivals| rivals.casbin_allows();
    let agree = |rivals: &&Rivals| {
        let answer = ours(rivals);
        answer == cedars(rivals) && answer == casbins(rivals)
    };
    let differences = all.iter().filter(|rivals| !agree(rivals)).count();
    // In turn, so that all of them meet the same moments of the machine.
    let (mut core, mut cedar, mut casbin) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        core.push(p50(&all, ours));
        cedar.push(p50(&all, cedars));
        casbin.push(p50(&all, casbins));
    }
    let (core, cedar, casbin) = (middle(core), middle(cedar), middle(casbin));
    let beside = |other: u64| json!({ "p50_ns": other, "gatepost_p50_ns": core });
    Ok(json!({
        "questions": all.len(),
        "differences": differences,
        "peers": { "cedar-policy": beside(cedar), "casbin": beside(casbin) },
    }))
}

fn p50(all: &[Rivals], run: impl Fn(&&Rivals) -> bool) -> u64 {
    let all: Vec<&Rivals> = all.iter().collect();
    // The first time each of them finds its own things again in the caches.
    Samples::of_each(&all, |rivals| *rivals, &run);
    Samples::of_each(&all, |rivals| *rivals, &run).at(500)
}

fn middle(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
