//! No template and no path may panic the routes of a product, and what matches has one spelling.
#![no_main]

use gatepost_core::route::{Route, Routes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<String>, String)| {
    let (templates, path) = input;
    let mut routes = Routes::default();
    let fixed = ["/v1/{a}/b", "/v1/a/{b}:verb", "/pkg.Service/*"].map(String::from);
    for path in templates.into_iter().chain(fixed) {
        let _ = routes.add(&Route {
            methods: vec!["GET".to_owned()],
            path,
            resource: "resource".to_owned(),
            action: "action".to_owned(),
        });
    }
    let Some(matched) = routes.find("GET", &path) else {
        return;
    };
    let path = path.split('?').next().unwrap_or_default();
    let segments = || path.split(['/', ':']).skip(1);
    assert!(path == "/" || segments().all(|segment| !matches!(segment, "" | "." | "..")));
    for (_, value) in matched.variables() {
        assert!(!value.is_empty() && !value.contains(['/', '\\', ';', ':', '%', '?', '#']));
        assert!(!value.chars().any(|character| character.is_ascii_control()));
    }
});
