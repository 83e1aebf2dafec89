//! The contract and what keeps it: handlers, tests, reasons.

use gatepost_proto::ErrorReason;
use gatepost_proto::rpc::{Access, Effect, RpcInfo};
use gatepost_proto::rules::RULES;

use crate::{pages, refuse, rust, tree};

/// RPCs whose handler checks what the rule cannot say; the fewer, the better.
const CUSTOM_RULES_MAX: usize = 8;

/// `auth` of `gatepost.auth.v1.AuthService`.
fn module(rpc: &RpcInfo) -> &'static str {
    rpc.service.split('.').nth(1).unwrap()
}

/// `issue_token` of `IssueToken`.
fn snake(method: &str) -> String {
    let mut name = String::new();
    for c in method.chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

#[test]
fn every_rpc_has_a_handler_and_a_test_of_its_name() {
    let mut faults = Vec::new();
    for rpc in RULES {
        let (module, name) = (module(rpc), snake(rpc.method));
        let handler = format!("services/{module}/{name}.rs");
        let test = format!("tests/{module}/{name}.rs");
        let stands = |path: &str, text: &str| {
            let found = std::fs::read_to_string(tree::root().join(path));
            found.is_ok_and(|found| found.contains(text))
        };
        let wanted = [
            (handler, format!("pub async fn {name}(")),
            (test, "#[tokio::test]".to_owned()),
            (format!("tests/{module}/mod.rs"), format!("mod {name};")),
        ];
        for (path, text) in wanted {
            if !stands(&path, &text) {
                faults.push(format!("{}: {path} with `{text}` is missing", rpc.method));
            }
        }
    }
    refuse(
        &faults,
        "Finding beats organizing: one RPC, one file, one test, one name.",
    );
}

#[test]
fn every_rpc_says_what_it_does() {
    let mut faults = Vec::new();
    for rpc in RULES {
        let first = rpc.comment.split_whitespace().next().unwrap_or_default();
        if !first.starts_with(char::is_uppercase) || !first.ends_with('s') {
            faults.push(format!(
                "{}: begins with `{first}`, not with what it does",
                rpc.method
            ));
        }
        let is_audited = rpc.rule.audit.is_some();
        if (rpc.rule.effect == Effect::Read) == is_audited {
            faults.push(format!("{}: writes are audited, reads are not", rpc.method));
        }
    }
    refuse(
        &faults,
        "The comment of an RPC is its documentation: `Creates a group.`",
    );
}

#[test]
fn rules_are_declared_and_not_remembered() {
    let is_custom = |rpc: &&RpcInfo| matches!(rpc.rule.access, Access::Custom(_));
    let custom: Vec<&str> = RULES
        .iter()
        .filter(is_custom)
        .map(|rpc| rpc.method)
        .collect();
    assert!(
        custom.len() <= CUSTOM_RULES_MAX,
        "too many handlers check by themselves: {custom:?}"
    );
}

/// Sources that translate reasons and give none.
const TRANSLATORS: [&str; 3] = [
    "proto/reason.rs",
    "proto/tests.rs",
    "services/gateway/problem.rs",
];

#[test]
fn every_reason_is_given_and_tested() {
    let (mut given, mut tested) = (String::new(), String::new());
    for file in tree::sources() {
        let (production, tests) = rust::split_tests(&file.text);
        if file.path.starts_with("tests/tidy") {
            continue;
        }
        if tree::is_test(&file.path) {
            tested.push_str(&file.text);
        } else {
            tested.push_str(&tests);
            if !TRANSLATORS.contains(&file.path.as_str()) {
                given.push_str(&rust::code(&production));
            }
        }
    }
    let mut faults = Vec::new();
    for (reason, _) in pages::documented() {
        let (name, path) = (reason.name(), format!("ErrorReason::{reason:?}"));
        if !rust::names(&given, &path) {
            faults.push(format!("{name}: no code gives it"));
        }
        if !rust::names(&tested, &path) && !rust::names(&tested, name) {
            faults.push(format!("{name}: no test sees it"));
        }
    }
    refuse(
        &faults,
        "A reason that nobody gives is a lie; one that nobody tests may become one.",
    );
}

#[test]
fn reasons_are_documented_as_they_are_sent() {
    let mut faults = Vec::new();
    let documented = pages::documented();
    for (reason, comment) in &documented {
        let suffix = pages::suffix(*reason);
        if !comment.ends_with(&suffix) {
            faults.push(format!(
                "{}: its comment must end in `{suffix}`",
                reason.name()
            ));
        }
    }
    refuse(
        &faults,
        "What a reason's comment says of codes must be what is sent.",
    );
    let all = (1..1000)
        .filter(|number| ErrorReason::try_from(*number).is_ok())
        .count();
    assert_eq!(documented.len(), all, "a reason has no comment");
}

#[test]
fn every_test_file_is_compiled() {
    let targets = tree::read("Cargo.toml") + &tree::read("services/Cargo.toml");
    let sources = tree::sources();
    // Cargo finds what lies right under the `tests` of these; the root package names its targets
    // itself, and the program those that need its binary.
    let found = ["core/tests/", "rivals/tests/", "store/tests/"];
    let is_target = |path: &str| {
        let inside = found.iter().find_map(|folder| path.strip_prefix(folder));
        inside.is_some_and(|file| !file.contains('/') || file.ends_with("/main.rs"))
            || targets.contains(&format!("\"{path}\""))
            || targets.contains(&format!("\"../{path}\""))
    };
    let mut named = Vec::new();
    for file in &sources {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let inside = match name {
            "main.rs" | "mod.rs" => folder.to_owned(),
            _ if is_target(&file.path) => folder.to_owned(),
            _ => file.path.trim_end_matches(".rs").to_owned(),
        };
        let text = rust::code(&file.text);
        let modules: Vec<&str> = rust::words(&text).collect();
        for pair in modules.windows(2).filter(|pair| pair[0] == "mod") {
            named.push(format!("{inside}/{}.rs", pair[1]));
            named.push(format!("{inside}/{}/mod.rs", pair[1]));
        }
        let paths = file.text.split("#[path = \"").skip(1);
        named
            .extend(paths.filter_map(|rest| Some(format!("{folder}/{}", rest.split('"').next()?))));
    }
    let faults: Vec<String> = sources
        .iter()
        .map(|file| file.path.clone())
        .filter(|path| path.contains("tests/") && !is_target(path) && !named.contains(path))
        .collect();
    refuse(
        &faults,
        "A test file that no `mod` names is not compiled, and proves nothing.",
    );
}
