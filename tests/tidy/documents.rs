//! Documents: fresh, with links that lead somewhere and names of things that are there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::tree::File;
use crate::{pages, refuse, rust, tree};

#[test]
fn generated_pages_are_fresh() {
    let mut faults = Vec::new();
    for (path, text) in pages::all() {
        if std::env::var_os("GATEPOST_UPDATE").is_some() {
            std::fs::write(tree::root().join(path), &text).unwrap();
        }
        if std::fs::read_to_string(tree::root().join(path)).ok() != Some(text) {
            faults.push(path.to_owned());
        }
    }
    refuse(
        &faults,
        "A page is older than what it is made from: run `make gen`.",
    );
}

/// What no file may hold, cut in two so that this one does not.
const FORBIDDEN: [(&str, &str, &str); 9] = [
    ("todo", "!(", "finish it, or leave it out"),
    ("unimplemented", "!(", "finish it, or leave it out"),
    ("#[ign", "ore", "a test that is skipped proves nothing"),
    ("FIX", "ME", "mend it, or file it"),
    ("dbg", "!(", "a note to oneself"),
    ("/wo", "rk/", "a path of somebody's machine"),
    ("/ro", "ot/", "a path of somebody's machine"),
    ("/ho", "me/", "a path of somebody's machine"),
    ("<<<", "<<<<", "a merge that was not finished"),
];

/// Files of other people and of programs.
fn is_foreign(path: &str) -> bool {
    path.starts_with("third_party/") || ["lock", "sum"].contains(&tree::kind(path))
}

#[test]
fn nothing_is_left_unfinished() {
    let mut faults = Vec::new();
    for file in ours() {
        for (line, text) in (1..).zip(file.text.lines()) {
            for (head, tail, why) in FORBIDDEN {
                if text.contains(&format!("{head}{tail}")) {
                    faults.push(format!("{}:{line}: `{head}{tail}`: {why}", file.path));
                }
            }
        }
    }
    refuse(
        &faults,
        "Something in the tree is unfinished, or speaks of one machine only.",
    );
}

/// Words that stand for another one of `docs/GLOSSARY.md`, or for none at all.
const WORDS: [(&str, &str); 16] = [
    ("organisation", "organization"),
    ("organisations", "organization"),
    ("org", "organization"),
    ("orgs", "organization"),
    ("usr", "user"),
    ("grp", "group"),
    ("perm", "permission"),
    ("perms", "permission"),
    ("authz", "authorize"),
    ("authn", "authenticate"),
    ("svc", "service"),
    ("mgr", "the thing's own name"),
    ("manager", "the thing's own name"),
    ("util", "the thing's own name"),
    ("utils", "the thing's own name"),
    ("helper", "the thing's own name"),
];

#[test]
fn names_are_words_of_the_glossary() {
    let mut faults = BTreeSet::new();
    // Tests may call people what they like.
    for file in ours().iter().filter(|file| !tree::is_test(&file.path)) {
        let code = rust::code(&file.text);
        let named: Vec<&str> = match tree::kind(&file.path) {
            "rs" => rust::defined(&code),
            "proto" => rust::words(&code).collect(),
            _ => continue,
        };
        for name in named.into_iter().chain(rust::words(&file.path)) {
            for part in parts(name) {
                if let Some((_, right)) = WORDS.iter().find(|(wrong, _)| *wrong == part) {
                    faults.insert(format!("{}: `{name}`; say {right}", file.path));
                }
            }
        }
    }
    let faults: Vec<String> = faults.into_iter().collect();
    refuse(
        &faults,
        "One word for each thing, and whole words: docs/GLOSSARY.md.",
    );
}

/// `user`, `id` of `UserId`, `user_id`, `USER_ID`.
fn parts(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_uppercase() && lower {
            spaced.push('_');
        }
        lower = c.is_lowercase();
        spaced.extend(c.to_lowercase());
    }
    spaced.split('_').map(str::to_owned).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut faults = Vec::new();
    for file in documents() {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in links(&file.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = match path {
                "" => tree::root().join(&file.path),
                path => tree::resolve(folder, path),
            };
            let text = std::fs::read_to_string(&there).unwrap_or_default();
            if !there.exists() || (!anchor.is_empty() && !anchors(&text).contains(anchor)) {
                faults.push(format!("{}: `{target}`", file.path));
            }
        }
    }
    refuse(&faults, "A link of a document leads nowhere.");
}

#[test]
fn documents_name_files_and_tests_that_are_there() {
    let sources: String = tree::sources().into_iter().map(|file| file.text).collect();
    let mut faults = Vec::new();
    for file in documents() {
        for name in quoted(&file.text) {
            let is_path = name.contains('/') && Path::new(name).extension().is_some();
            let is_plain = name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
            let ours = [
                "build/",
                "client/",
                "core/",
                "docs/",
                "proto/",
                "replica/",
                "services/",
                "store/",
                "tests/",
            ];
            let ours = ours.iter().any(|folder| name.starts_with(folder));
            if is_path && is_plain && ours && !tree::root().join(name).exists() {
                faults.push(format!("{}: there is no file `{name}`", file.path));
            }
            // So many words are a test, or something else that stands in a source.
            let is_name = name.chars().all(|c| c == '_' || c.is_ascii_lowercase());
            if is_name && name.matches('_').count() >= 3 && !rust::names(&sources, name) {
                faults.push(format!("{}: there is no `{name}`", file.path));
            }
        }
    }
    refuse(&faults, "A document speaks of something that is not there.");
}

#[test]
fn operators_can_read_of_every_metric() {
    let guide = tree::read("docs/running.md");
    let mut faults = BTreeSet::new();
    for file in tree::sources()
        .iter()
        .filter(|file| !tree::is_test(&file.path))
    {
        for kind in ["counter!(", "gauge!(", "histogram!("] {
            let names = file.text.split(kind).skip(1);
            let names =
                names.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
            let unknown = names.filter(|name| !rust::names(&guide, name));
            faults.extend(unknown.map(|name| format!("{}: `{name}`", file.path)));
        }
    }
    let faults: Vec<String> = faults.into_iter().collect();
    refuse(
        &faults,
        "A metric that docs/running.md does not explain is a number without a unit.",
    );
}

#[test]
fn the_guide_shows_code_that_is_there() {
    let (mut faults, mut source, mut in_code) = (Vec::new(), String::new(), false);
    for line in tree::read("docs/adding-an-rpc.md").lines() {
        if line.starts_with("## ") {
            source = line.split('`').nth(1).map_or_else(String::new, tree::read);
        } else if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code && line.trim() != "// …" && !source.contains(line.trim()) {
            faults.push(line.to_owned());
        }
    }
    refuse(
        &faults,
        "docs/adding-an-rpc.md shows lines that its files do not have (any more).",
    );
}

fn ours() -> Vec<File> {
    let mut files = tree::files();
    files.retain(|file| !is_foreign(&file.path));
    files
}

fn documents() -> Vec<File> {
    let mut files = ours();
    files.retain(|file| tree::kind(&file.path) == "md");
    files
}

/// What stands in the round brackets of `[text](target)`, outside of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines()
        .filter(move |line| {
            in_code ^= line.starts_with("```");
            !in_code
        })
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
}

/// What stands between single backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines()
        .filter(move |line| {
            in_code ^= line.starts_with("```");
            !in_code
        })
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The anchors of a document's headings, as web sites make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
