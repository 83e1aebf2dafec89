//! No question of AuthZEN's may panic, what is no question is an error of the caller's, and a yes
//! has its reason.
#![no_main]

use std::sync::LazyLock;

use gatepost::fuzzing::Gate;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::open().expect("a gate"));

const PATHS: [&str; 5] = [
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/access/v1/search/subject",
    "/access/v1/search/resource",
    "/access/v1/search/action",
];

fuzz_target!(|body: &[u8]| {
    for path in PATHS {
        let (status, answer) = GATE
            .post(path, Some(&GATE.token), body.to_vec())
            .expect("a request");
        assert!(matches!(status, 200 | 400 | 403 | 413), "{status}");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        if answer["decision"] == true {
            assert_eq!(answer["context"]["reason"], "granted");
        }
        let (status, _) = GATE.post(path, None, body.to_vec()).expect("a request");
        assert_eq!(status, 401);
    }
});
