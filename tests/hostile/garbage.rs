//! Generated bodies, for every route: a refusal each time, and nothing written.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

use crate::calls::Callers;
use crate::panics;
use crate::wire::{Rpc, assert_problem, rpcs};
use crate::world::World;

/// Bodies for each route.
const CASES: usize = 12;

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| {
            serde_json::Number::from_f64(number).map(Value::from)
        }),
        "\\PC{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("0198a9e2-0000-7000-8000-0000000000ab")),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-zA-Z_.]{0,12}", inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Objects with some of the message's own keys and some of nobody's.
fn bodies(rpc: &Rpc) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let mut names: Vec<String> = rpc
        .method
        .input()
        .fields()
        .map(|field| field.json_name().to_owned())
        .collect();
    names.push("tenantId".to_owned());
    let pairs = (prop::sample::select(names), anything());
    prop::collection::vec(pairs, 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

#[tokio::test]
async fn no_generated_body_breaks_anything_or_is_half_written() {
    let (world, panics) = (World::start().await, panics::watch());
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let head = async || {
        let answer = world.get(&world.admin, "/v1/users?limit=1").await;
        answer.headers["gatepost-revision"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let callers = Callers::of(&world, &world.admin).await;
    let mut before = head().await;
    for rpc in rpcs() {
        let strategy = bodies(&rpc);
        for _ in 0..CASES {
            let fields = strategy.new_tree(&mut runner).unwrap().current();
            // A logout without a hint would end the session of this test.
            let token = (rpc.name != "Logout").then_some(callers.token(&rpc));
            let answer = rpc.call(&world, token, &fields).await;
            let what = format!("{} {}", rpc.name, Value::Object(fields));
            if answer.status.is_success() {
                before = head().await;
                continue;
            }
            // A revision out of the blue may be one that is still to come.
            if answer.status != 503 || answer.reason() != "REVISION_AHEAD" {
                assert_problem(&answer, &what);
            }
            let after = head().await;
            assert_eq!(after, before, "{what} was refused and yet wrote something");
        }
    }
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn no_generated_bytes_break_anything() {
    let (world, panics) = (World::start().await, panics::watch());
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = prop::collection::vec(any::<u8>(), 1..200);
    let callers = Callers::of(&world, &world.admin).await;
    // For these nothing is a whole request; that of a logout would end this session.
    let whole = [
        "BeginPasskeySignIn",
        "GetHeads",
        "Logout",
        "RotateSigningKeys",
        "WatchHeads",
    ];
    let is_whole = |rpc: &Rpc| whole.contains(&rpc.name.as_str());
    for rpc in rpcs().iter().filter(|rpc| rpc.binding.body) {
        for kind in ["application/json", "application/x-www-form-urlencoded"] {
            for index in 0..6 {
                // No body at all first, which for most is a request that lacks everything.
                let mut some = || strategy.new_tree(&mut runner).unwrap().current();
                let bytes = if index == 0 { Vec::new() } else { some() };
                let path = rpc.binding.template.replace(['{', '}'], "");
                let request = world.request(rpc.binding.method.parse().unwrap(), &path);
                let request = request
                    .bearer_auth(callers.token(rpc))
                    .header("content-type", kind);
                if !is_whole(rpc) || !bytes.trim_ascii().is_empty() {
                    let answer = world.send(request.body(bytes.clone())).await;
                    assert_problem(&answer, &format!("{} {bytes:?}", rpc.name));
                }
            }
        }
    }
    assert_eq!(panics::seen(), panics);
}
