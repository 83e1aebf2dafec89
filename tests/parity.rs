//! Every RPC, by gRPC, gRPC-Web and REST: one contract, so one answer.
//!
//! Each face has a world of its own, and all of them live through the same examples in the same
//! order: without a token, as somebody without permissions, and as an administrator.

mod examples;
mod faces;
mod normal;
mod probes;

use std::collections::{BTreeMap, BTreeSet};

use gatepost_proto::rpc::{Access, RpcInfo};
use gatepost_proto::rules::RULES;
use serde_json::{Value, json};

use crate::world::World;
use examples::{Example, examples};
use faces::{Face, Faces, Outcome};
use normal::{Normal, difference};

/// What has no single answer to compare, is for machines only, or needs more than a password or a
/// message on its way: the tests of their names have them.
const APART: [&str; 12] = [
    "AuthService/FinishPasskeySignIn",
    "AuthService/SendMfaCode",
    "AuthorizeService/WatchRevisions",
    "MfaService/DeletePasskey",
    "MfaService/ReissueRecoveryCodes",
    "MfaService/RenamePasskey",
    "MfaService/SendMfaProof",
    "ReplicaService/GetHeads",
    "ReplicaService/GetInstallation",
    "ReplicaService/StreamChanges",
    "ReplicaService/StreamFacts",
    "ReplicaService/WatchHeads",
];

/// What a face answered, and to what.
type Story = Vec<(String, Outcome)>;

#[test]
fn every_rpc_has_an_example() {
    let with: BTreeSet<&str> = examples()
        .iter()
        .map(|example| example.rpc().name)
        .collect();
    let without = RULES.iter().filter(|rpc| {
        !with.contains(rpc.name) && !APART.iter().any(|name| rpc.name.ends_with(name))
    });
    let without: Vec<&str> = without.map(|rpc| rpc.name).collect();
    assert!(without.is_empty(), "no example of {without:?}");
}

#[tokio::test]
async fn the_three_faces_give_the_same_answers() {
    let (grpc, web, rest) = futures::join!(
        live_through(Face::Grpc),
        live_through(Face::GrpcWeb),
        live_through(Face::Rest)
    );
    for (other, face) in [(&web, "gRPC-Web"), (&rest, "REST")] {
        assert_eq!(grpc.len(), other.len());
        for ((call, expected), (_, answer)) in grpc.iter().zip(other) {
            let difference = difference(expected, answer);
            assert!(
                difference.is_none(),
                "{face} differs from gRPC: {call}: {difference:?}"
            );
        }
    }
}

/// All examples through one face.
async fn live_through(face: Face) -> Story {
    let world = World::start_multi_tenant().await;
    let plain = world.person("plain", &[]).await;
    let faces = Faces::new(&world).await;
    let mut normal = Normal::default();
    let mut known = BTreeMap::from([("admin", json!(world.admin.id))]);
    let mut story = Story::new();
    for example in examples() {
        let rpc = example.rpc();
        if rpc.method == "ResetForgottenPassword" {
            known.insert("token", json!(world.reset_token("plain").await));
        }
        if let Some(secret) = known.get("secret") {
            let passcode = world.passcode(secret.as_str().unwrap(), 0);
            known.insert("passcode", json!(passcode));
        }
        let request = fill(example.request.clone(), &known);
        if rpc.rule.access != Access::Public {
            let refused = faces.call(face, rpc, &request, None).await;
            let reason = refused.refusal.as_ref().map(|(reason, _)| reason.as_str());
            assert_eq!(reason, Some("TOKEN_MISSING"), "{face:?} {}", rpc.name);
            story.push((format!("{} by nobody", rpc.name), refused));
            let refused = faces.call(face, rpc, &request, Some(&plain.token)).await;
            story.push((format!("{} by somebody", rpc.name), normal.outcome(refused)));
        }
        let token = token(rpc, &world);
        let outcome = faces.call(face, rpc, &request, token).await;
        assert_eq!(outcome.refusal, None, "{face:?} {}", rpc.name);
        keep(&example, &outcome.answer, &mut known);
        story.push((rpc.name.to_owned(), normal.outcome(outcome)));
    }
    story
}

/// Nobody brings a token where none is asked for.
fn token<'a>(rpc: &RpcInfo, world: &'a World) -> Option<&'a str> {
    (rpc.rule.access != Access::Public).then_some(world.admin.token.as_str())
}

fn keep(example: &Example, answer: &Value, known: &mut BTreeMap<&str, Value>) {
    for (name, pointer) in example.keep {
        let value = answer.pointer(pointer);
        known.insert(name, value.expect("what a later example needs").clone());
    }
}

/// Puts what is known in the place of `$name`.
fn fill(value: Value, known: &BTreeMap<&str, Value>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) => known[name].clone(),
            None => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(|item| fill(item, known)).collect(),
        Value::Object(fields) => {
            let filled = fields
                .into_iter()
                .map(|(name, value)| (name, fill(value, known)));
            Value::Object(filled.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
