//! Gatepost's decision beside those of Cedar and Casbin: prints one JSON object.
//!
//! ```sh
//! cargo run --release --manifest-path rivals/Cargo.toml
//! ```
//!
//! Gatepost answers from an organization of 100,000 people. The others are given only a slice of
//! it that matches the question, and that in two ways:
//!
//! * `product`, the one that is judged: the user, her groups, and all lines of the roles that she
//!   holds in the product that is asked about. That is what a program can give to an engine that
//!   keeps no policies itself: it knows who asks, and of which product, and loads what belongs to
//!   both. One person and one product in a hundred thousand times twelve is little already, and
//!   loading it is not counted.
//! * `lines`: of these lines only those whose resource and action are the question's. To find them
//!   is most of the decision, and somebody else has made it before the clock starts: three of four
//!   questions come with no policy at all, and to say no to them there is nothing to look at.
//!
//! A line is a policy with its resource and action in the scope, which Cedar compares before it
//! evaluates anything, and a role is an entity that the user is below; nothing has a condition.

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
use slice::{Roles, Slice};

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
    let product = compare_by(Slice::Product)?;
    Ok(json!({ "product": product, "lines": compare_by(Slice::Lines)? }))
}

fn compare_by(slice: Slice) -> Result<Value> {
    let shape = Shape::people(100_000);
    let (system, organization) = (dataset::system(1), dataset::build(0, shape));
    let roles = Roles::new();
    let (mut all, mut policies) = (Vec::new(), 0);
    for ask in dataset::questions(ASKS, 1, shape) {
        let policy = roles.matching(slice, shape, &ask);
        policies += policy.lines.len();
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
        "policies_of_all": policies,
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
