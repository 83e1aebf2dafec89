//! Figures of the decision, in process: prints one JSON object.
//!
//! ```sh
//! cargo run --release -p gatepost-core --example figures            # everything
//! cargo run --release -p gatepost-core --example figures -- people  # one part, by its name
//! ```
//!
//! Each decision is timed by itself, and what looking at the clock costs is taken off. Instructions
//! are counted by callgrind, over the decisions alone, and divided by their number:
//!
//! ```sh
//! cargo build --release -p gatepost-core --example figures
//! for users in 1000 1000000; do
//!   valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
//!     --toggle-collect='*ask_for_callgrind*' target/release/examples/figures asks $users
//! done
//! ```

mod clock;
#[expect(dead_code, reason = "the rest is for the comparison with others")]
mod dataset;

use std::alloc::System;
use std::hint::black_box;

use clock::{Samples, timed_us, timer_ns};
use dataset::{Ask, Shape};
use gatepost_core::{
    Attributes, Change, Decision, NO_ATTRIBUTES, Question, Snapshot, Subject, View, decide,
};
use serde_json::{Map, Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Decisions of one figure.
const ASKS: u64 = 200_000;

/// A part of the figures.
type Part = (&'static str, fn() -> Value);

const PARTS: [Part; 6] = [
    ("people", people),
    ("organizations", organizations),
    ("grants", grants),
    ("grants_uniform", grants_uniform),
    ("limits", limits),
    ("snapshot", snapshot),
];

fn main() {
    let mut words = std::env::args().skip(1);
    let wanted = words.next();
    if wanted.as_deref() == Some("asks") {
        let users = words.next().and_then(|users| users.parse().ok());
        return ask_for_callgrind_alone(users.unwrap_or(1_000));
    }
    let mut told = Map::new();
    told.insert("timer_ns".into(), timer_ns().into());
    let chosen = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    for (name, part) in PARTS {
        if chosen(name) {
            told.insert(name.into(), part());
        }
    }
    println!("{:#}", Value::Object(told));
}

/// Decisions in one organization, by its people.
fn people() -> Value {
    by_number(&[1_000, 100_000, 1_000_000], |users| {
        decisions(1, Shape::people(users), &NO_ATTRIBUTES)
    })
}

/// Decisions over many organizations that have 100,000 people together.
fn organizations() -> Value {
    by_number(&[10, 1_000, 10_000], |count| {
        decisions(count, Shape::people(100_000 / count), &NO_ATTRIBUTES)
    })
}

/// Decisions over 100,000 grants to 100,000 people, of whom 1,000 are at work.
fn grants() -> Value {
    let shape = Shape {
        asking: 1_000,
        ..Shape::grants(100_000)
    };
    decisions(1, shape, &NO_ATTRIBUTES)
}

/// The same, but any of them may ask: most decisions wait for memory.
fn grants_uniform() -> Value {
    decisions(1, Shape::grants(100_000), &NO_ATTRIBUTES)
}

/// Decisions where every role of a group is limited by an attribute.
fn limits() -> Value {
    let shape = Shape {
        limited: true,
        ..Shape::people(100_000)
    };
    let attributes: Attributes = [("ledger_id".to_owned(), "b".to_owned())].into();
    decisions(1, shape, &attributes)
}

fn by_number(numbers: &[u64], figure: impl Fn(u64) -> Value) -> Value {
    let figures = numbers
        .iter()
        .map(|number| (number.to_string(), figure(*number)));
    Value::Object(figures.collect())
}

fn decisions(organizations: u64, shape: Shape, attributes: &Attributes) -> Value {
    let system = dataset::system(organizations);
    let all: Vec<Snapshot> = (0..organizations)
        .map(|number| dataset::build(number, shape))
        .collect();
    let asks = dataset::questions(ASKS, organizations, shape);
    let decide = |ask: &Ask| answer(&system, all.get(ask.organization), ask, attributes);
    let allowed = asks
        .iter()
        .filter(|ask| decide(ask).is_some_and(|it| it.allowed));
    let percent = allowed.count() * 100 / asks.len();
    let samples = Samples::of_each(&asks, Ask::clone, decide);
    let mut told = samples.told();
    if let Value::Object(told) = &mut told {
        told.insert("allowed_percent".into(), percent.into());
    }
    told
}

fn answer(
    system: &Snapshot,
    organization: Option<&Snapshot>,
    ask: &Ask,
    attributes: &Attributes,
) -> Option<Decision> {
    let view = View {
        system,
        organization: organization?,
        single_tenant: false,
        now_s: 0,
    };
    let question = Question {
        product: Some(&ask.product),
        resource: &ask.resource,
        action: ask.action,
        attributes,
    };
    Some(decide(view, Subject::User(ask.user), question))
}

/// A snapshot of a million people in ten groups each: how long, how large, and a step on it.
fn snapshot() -> Value {
    let shape = Shape {
        direct_every: 0,
        ..Shape::people(1_000_000)
    };
    let (facts, making_us) = timed_us(|| dataset::organization(0, shape).map(black_box).count());
    let region = Region::new(ALLOCATOR);
    let (snapshot, build_us) = timed_us(|| dataset::build(0, shape));
    let change = region.change();
    let bytes = change
        .bytes_allocated
        .saturating_sub(change.bytes_deallocated);
    let users = usize::try_from(shape.users).unwrap_or(1);
    json!({
        "facts": facts,
        // Making the facts up is part of the time; it is not part of building.
        "build_ms": build_us.saturating_sub(making_us) / 1_000,
        "making_the_facts_ms": making_us / 1_000,
        "bytes_a_user": bytes / users,
        "approximate_bytes_a_user": snapshot.approximate_bytes() / users,
        "delta_us": deltas(&snapshot, shape),
    })
}

/// Microseconds of the slowest of some steps, by what changes.
fn deltas(snapshot: &Snapshot, shape: Shape) -> Value {
    let role = |edition| {
        let (before, after) = (
            dataset::own_role(0, 7, 0),
            dataset::own_role(0, 7, edition + 1),
        );
        vec![Change::updated(before, after)]
    };
    let member = |user| vec![Change::created(dataset::member(0, 17, user * 7_919))];
    // Everybody is in the first group.
    let grant = |number| {
        vec![Change::created(dataset::group_grant(
            0,
            shape,
            0,
            10 + number,
        ))]
    };
    json!({
        "a_role": slowest_us(snapshot, role),
        "a_member": slowest_us(snapshot, member),
        "a_grant_to_all": slowest_us(snapshot, grant),
    })
}

fn slowest_us(snapshot: &Snapshot, change: impl Fn(u64) -> Vec<Change>) -> Value {
    let changes: Vec<Vec<Change>> = (0..101).map(change).collect();
    let samples = Samples::of_each(&changes, Vec::clone, |changes| snapshot.apply(2, changes));
    json!({ "p50": samples.at(500) / 1_000, "max": samples.at(999) / 1_000 })
}

/// Asks, and does nothing else, for counting instructions.
fn ask_for_callgrind_alone(users: u64) {
    let shape = Shape::people(users);
    let (system, organization) = (dataset::system(1), dataset::build(0, shape));
    let asks = dataset::questions(10_000, 1, shape);
    // What the first one to ask finds out is not found out again.
    for ask in &asks {
        black_box(answer(&system, Some(&organization), ask, &NO_ATTRIBUTES));
    }
    ask_for_callgrind(&system, &organization, &asks);
}

#[inline(never)]
fn ask_for_callgrind(system: &Snapshot, organization: &Snapshot, asks: &[Ask]) {
    for ask in asks {
        black_box(answer(system, Some(organization), ask, &NO_ATTRIBUTES));
    }
}
