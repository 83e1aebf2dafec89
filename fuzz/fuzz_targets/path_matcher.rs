//! No path may panic the matcher, and what it finds must be a route of the contract.
#![no_main]

use std::sync::LazyLock;

use gatepost::gateway::matcher::{Found, Matcher};
use gatepost_proto::rest_routes::BINDINGS;
use libfuzzer_sys::fuzz_target;

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
    let routes = BINDINGS
        .iter()
        .map(|binding| (binding.method, binding.template));
    Matcher::new(routes).expect("the templates of the contract are good")
});

fuzz_target!(|path: &str| {
    for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
        if let Found::Route(route, variables) = MATCHER.find(method, path) {
            let binding = BINDINGS.get(route).expect("a route of the contract");
            assert_eq!(binding.method, method);
            assert_eq!(binding.template.matches('{').count(), variables.len());
        }
    }
});
