//! No question of Envoy's may panic, and without the token none may let a request pass; nor may
//! what a proxy asks of forward-auth.
#![no_main]

use std::sync::LazyLock;

use gatepost::fuzzing::Gate;
use gatepost_proto::envoy::check_response::HttpResponse;
use gatepost_proto::envoy::{AttributeContext, CheckRequest, Entry, HttpRequest, Request};
use libfuzzer_sys::fuzz_target;

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::open().expect("a gate"));

type Pairs = Vec<(String, String)>;

fuzz_target!(|input: (Vec<u8>, String, String, Pairs, Pairs)| {
    let (raw, method, path, headers, extensions) = input;
    assert_ne!(GATE.envoy(&raw), Some(true), "nobody knows the token");
    let bearer = format!("Bearer {}", GATE.token);
    let named = |(name, value): (String, String)| match value.as_str() {
        "T" => ("authorization".to_owned(), bearer.clone()),
        _ => (name, value),
    };
    let headers: Pairs = headers.into_iter().map(named).collect();
    let known = headers.iter().filter(|(_, value)| *value == bearer).count();
    let entry = |(key, value): &(String, String)| Entry {
        key: key.clone().into(),
        value: value.clone().into(),
    };
    let answer = GATE.check(&CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request {
                http: Some(HttpRequest {
                    method: method.clone().into(),
                    path: path.clone().into(),
                    headers: headers.iter().map(entry).collect(),
                    header_map: None,
                }),
            }),
            context_extensions: extensions.iter().map(entry).collect(),
        }),
    });
    let code = answer.status.expect("a status").code;
    match answer.http_response.expect("an answer") {
        HttpResponse::OkResponse(_) => assert!(code == 0 && known == 1),
        HttpResponse::DeniedResponse(denied) => {
            let status = denied.status.expect("a status").code;
            assert!(
                matches!((status, code), (401, 16) | (403, 7)),
                "{status} {code}"
            );
        }
    }
    let query: Vec<String> = extensions
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut told: Vec<(&str, &[u8])> = vec![
        ("x-forwarded-method", method.as_bytes()),
        ("x-forwarded-uri", path.as_bytes()),
    ];
    told.extend(
        headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes())),
    );
    if let Some(status) = GATE.forward_auth(&query.join("&"), &told) {
        assert!(matches!(status, 200 | 401 | 403), "{status}");
        assert!(status != 200 || known > 0);
    }
});
