use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use gatepost_proto::envoy::check_response::HttpResponse;
use gatepost_proto::envoy::{
    AttributeContext, CheckRequest, CheckResponse, Entry, HttpRequest, Request as Envelope,
};
use http::Request;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::identity::is_reserved;
use crate::fuzzing::Gate;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn entries(pairs: Pairs<'_>) -> Vec<Entry> {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let entry = |(key, value): &(&str, &str)| Entry {
        key: bytes(key),
        value: bytes(value),
    };
    pairs.iter().map(entry).collect()
}

fn question(method: &str, path: &str, headers: Pairs<'_>, extensions: Pairs<'_>) -> CheckRequest {
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Envelope {
                http: Some(HttpRequest {
                    method: Bytes::copy_from_slice(method.as_bytes()),
                    path: Bytes::copy_from_slice(path.as_bytes()),
                    headers: entries(headers),
                    header_map: None,
                }),
            }),
            context_extensions: entries(extensions),
        }),
    }
}

fn passes(answer: &CheckResponse) -> bool {
    let code = answer.status.as_ref().map(|status| status.code);
    let passes = matches!(answer.http_response, Some(HttpResponse::OkResponse(_)));
    assert_eq!(passes, code == Some(0), "{answer:?}");
    passes
}

/// What the world of the gate says, by hand.
fn ann_may(resource: &str, action: &str, item: Option<&str>) -> bool {
    match (resource, action) {
        ("items", "get") => true,
        ("items", "put") => matches!(item, Some("7" | "a b")),
        _ => false,
    }
}

/// What the routes of the shop say, by hand.
fn routed(method: &str, path: &str) -> Option<(&'static str, &'static str, Option<String>)> {
    let item = path.strip_prefix("/v1/items/");
    let item = item.map(|item| item.replace("%20", " "));
    match (method, path) {
        ("GET", "/v1/secrets") => Some(("secrets", "get", None)),
        ("POST", "/v1/items:search" | "/shop.v1.Items/Get") => Some(("items", "get", None)),
        ("GET", _) if item.is_some() => Some(("items", "get", item)),
        ("PUT", _) if item.is_some() => Some(("items", "put", item)),
        _ => None,
    }
}

fn some_path() -> impl Strategy<Value = String> {
    let paths = [
        "/v1/secrets",
        "/v1/items:search",
        "/shop.v1.Items/Get",
        "/v1/items/7",
        "/v1/items/8",
        "/v1/items/a%20b",
        "/v1/other",
    ];
    prop::sample::select(paths.to_vec()).prop_map(str::to_owned)
}

#[test]
fn envoy_says_what_the_world_says() {
    let gate = Gate::open().unwrap();
    let bearer = format!("Bearer {}", gate.token);
    let method = prop::sample::select(&["GET", "PUT", "POST", "DELETE"][..]);
    let extension = (
        prop::sample::select(&["product", "resource", "action", "attributes.item_id", "x"][..]),
        prop::sample::select(
            &[
                "shop", "old-shop", "no", "items", "get", "put", "7", "8", "",
            ][..],
        ),
    );
    let extensions = prop::collection::btree_map(extension.0, extension.1, 0..5);
    let inputs = (method, some_path(), extensions, any::<bool>());
    let mut runner = TestRunner::default();
    let judge = |(method, path, extensions, known): (&str, String, _, bool)| {
        let extensions: Vec<(&str, &str)> =
            Vec::from_iter::<std::collections::BTreeMap<_, _>>(extensions);
        let setting = |name: &str| {
            let found = extensions.iter().find(|(own, _)| *own == name);
            found.map_or("", |(_, value)| value)
        };
        let token = [("authorization", bearer.as_str())];
        let headers = if known { &token[..] } else { &[] };
        let answer = gate.check(&question(method, &path, headers, &extensions));
        let constant = Some(setting("attributes.item_id")).filter(|item| !item.is_empty());
        let product = setting("product");
        let is_shop = matches!(product, "shop" | "old-shop");
        let expected = match (setting("resource"), setting("action")) {
            ("", "") => routed(method, &path).is_some_and(|(resource, action, item)| {
                is_shop && ann_may(resource, action, item.as_deref().or(constant))
            }),
            (resource, action) => {
                (is_shop || product.is_empty()) && ann_may(resource, action, constant)
            }
        };
        prop_assert_eq!(passes(&answer), known && expected);
        Ok(())
    };
    runner.run(&inputs, judge).unwrap();
}

#[test]
fn bytes_of_strangers_never_pass_and_never_panic() {
    let gate = Gate::open().unwrap();
    let mut runner = TestRunner::default();
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    runner
        .run(&bytes, |bytes| {
            prop_assert_ne!(gate.envoy(&bytes), Some(true));
            Ok(())
        })
        .unwrap();
    let (status, _) = gate.http(Request::new(Body::empty()));
    assert_eq!(status, 404);
}

fn post(gate: &Gate, path: &str, body: String) -> (u16, Value) {
    let (status, body) = gate
        .post(path, Some(&gate.token), body.into_bytes())
        .unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// JSON with the right keys in the wrong places, and the other way round.
fn some_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(&["shop/items", "shop", "user", "get", "7", "execute_all"][..])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 8, |inner| {
        let keys = [
            "subject",
            "action",
            "resource",
            "context",
            "evaluations",
            "options",
            "evaluations_semantic",
            "type",
            "id",
            "name",
            "properties",
            "page",
            "token",
            "limit",
        ];
        let key = prop::sample::select(keys.to_vec()).prop_map(str::to_owned);
        let object = prop::collection::btree_map(key, inner.clone(), 0..6);
        prop_oneof![
            object.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

#[test]
fn authzen_answers_whatever_it_is_asked() {
    let gate = Gate::open().unwrap();
    let paths = [
        "/access/v1/evaluation",
        "/access/v1/evaluations",
        "/access/v1/search/subject",
        "/access/v1/search/resource",
        "/access/v1/search/action",
    ];
    let inputs = (prop::sample::select(paths.to_vec()), some_json());
    let mut runner = TestRunner::default();
    runner
        .run(&inputs, |(path, json)| {
            let (status, answer) = post(&gate, path, json.to_string());
            prop_assert!(matches!(status, 200 | 400 | 403), "{status} {answer}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn authzen_says_what_the_world_says() {
    let gate = Gate::open().unwrap();
    let inputs = (
        prop::sample::select(
            &[
                "shop/items",
                "old-shop/items",
                "items",
                "shop/secrets",
                "no/items",
            ][..],
        ),
        prop::sample::select(&["get", "put", "delete"][..]),
        prop::option::of(prop::sample::select(&["7", "8", "a b"][..])),
        prop::option::of(prop::sample::select(&["7", "8"][..])),
    );
    let mut runner = TestRunner::default();
    runner
        .run(&inputs, |(kind, action, property, context)| {
            let mut body = json!({
                "subject": {"type": "user", "id": "00000000-0000-0000-0000-000000000003"},
                "action": {"name": action},
                "resource": {"type": kind, "id": "x", "properties": {}},
                "context": {},
            });
            body["resource"]["properties"] =
                property.map_or(json!({}), |id| json!({"item_id": id}));
            body["context"] = context.map_or(json!(null), |id| json!({"item_id": id}));
            let (status, answer) = post(&gate, "/access/v1/evaluation", body.to_string());
            let (product, resource) = kind.split_once('/').unwrap_or(("shop", kind));
            let expected = product != "no" && ann_may(resource, action, property.or(context));
            prop_assert_eq!(status, 200);
            prop_assert_eq!(&answer["decision"], expected, "{}", answer);
            prop_assert_eq!(answer["context"]["reason"] == "granted", expected);
            Ok(())
        })
        .unwrap();
}

#[test]
fn forward_auth_says_what_envoy_says() {
    let gate = Gate::open().unwrap();
    let bearer = format!("Bearer {}", gate.token);
    let inputs = (
        prop::sample::select(&["GET", "PUT", "POST", "DELETE"][..]),
        some_path(),
        any::<bool>(),
    );
    let mut runner = TestRunner::default();
    runner
        .run(&inputs, |(method, path, original)| {
            let headers = [("authorization", bearer.as_str())];
            let answer = gate.check(&question(method, &path, &headers, &[("product", "shop")]));
            let (first, second) = if original {
                ("x-original-method", "x-original-uri")
            } else {
                ("x-forwarded-method", "x-forwarded-uri")
            };
            let headers = [
                ("authorization", bearer.as_bytes()),
                (first, method.as_bytes()),
                (second, path.as_bytes()),
            ];
            let status = gate.forward_auth("product=shop", &headers).unwrap();
            prop_assert_eq!(status, if passes(&answer) { 200 } else { 403 });
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_replica_that_is_not_fresh_says_so_on_every_face() {
    let gate = Gate::within(Duration::ZERO).unwrap();
    let bearer = format!("Bearer {}", gate.token);
    let headers = [("authorization", bearer.as_str())];
    let answer = gate.check(&question(
        "GET",
        "/v1/items/7",
        &headers,
        &[("product", "shop")],
    ));
    assert_eq!(answer.status.unwrap().code, 14);
    let Some(HttpResponse::DeniedResponse(denied)) = answer.http_response else {
        panic!("it lets pass")
    };
    assert_eq!(denied.status.unwrap().code, 503);
    let problem: Value = serde_json::from_slice(&denied.body).unwrap();
    assert_eq!(
        (&problem["reason"], &problem["status"]),
        (&json!("STALE"), &json!(503))
    );
    let headers = [("authorization", bearer.as_bytes())];
    let query = "product=shop&resource=items&action=get";
    assert_eq!(gate.forward_auth(query, &headers), Some(503));
    let (status, problem) = post(&gate, "/access/v1/evaluation", "{}".to_owned());
    assert_eq!((status, &problem["reason"]), (503, &json!("STALE")));
}

#[test]
fn a_thousand_questions_may_not_share_a_huge_context() {
    let gate = Gate::open().unwrap();
    let context: serde_json::Map<String, Value> = (0..20_000)
        .map(|number| (number.to_string(), json!("x")))
        .collect();
    let body = json!({
        "subject": {"type": "user", "id": "00000000-0000-0000-0000-000000000003"},
        "action": {"name": "get"},
        "resource": {"type": "shop/items", "id": "7"},
        "context": context,
        "evaluations": vec![json!({}); 1000],
    });
    let (status, answer) = post(&gate, "/access/v1/evaluations", body.to_string());
    assert_eq!(status, 200);
    let answers = answer["evaluations"].as_array().unwrap();
    assert_eq!(answers.len(), 1000);
    let refused = |one: &Value| one["context"]["error"]["status"] == 400;
    assert!(answers.iter().all(refused), "{}", answers[0]);
}

#[test]
fn reserved_names() {
    for name in [
        "x-gatepost-subject",
        "X-Gatepost-Anything",
        "x_gatepost_tenant",
        "x-gatepost-",
    ] {
        assert!(is_reserved(name.as_bytes()), "{name}");
    }
    for name in [
        "",
        "x-gatepost",
        "gatepost-revision",
        "x-gatepostsubject",
        "y-gatepost-x",
    ] {
        assert!(!is_reserved(name.as_bytes()), "{name}");
    }
}
