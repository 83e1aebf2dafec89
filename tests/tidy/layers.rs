//! Who may name whom. Arrows point inward and are few: direction is the only architecture that
//! survives.

use std::collections::{BTreeMap, BTreeSet};

use toml::Table;

use crate::{refuse, rust, tree};

/// Words that sources under a folder may not name.
struct Ban {
    /// Where; several folders, or files.
    inside: &'static [&'static str],
    /// Except there.
    except: &'static [&'static str],
    /// Words, or paths of words.
    names: &'static [&'static str],
    why: &'static str,
}

const BANS: [Ban; 9] = [
    Ban {
        inside: &["core/src"],
        except: &[],
        names: &[
            "tokio",
            "tonic",
            "axum",
            "sea_orm",
            "sqlx",
            "fred",
            "prost",
            "tracing",
            "rand",
            "getrandom",
            "std::fs",
            "std::net",
            "std::env",
            "std::process",
            "std::thread",
            "async",
        ],
        why: "what does no I/O can be tested exhaustively",
    },
    Ban {
        inside: &["core/src"],
        except: &[],
        names: &[
            "SystemTime",
            "Instant",
            "now_v7",
            "new_v7",
            "new_v4",
            "now_utc",
        ],
        why: "time and randomness are arguments of the core",
    },
    Ban {
        inside: &[
            "core/src",
            "store/src",
            "replica/src",
            "client/src",
            "services",
        ],
        except: &["replica/src/clock.rs"],
        names: &[
            "SystemTime",
            "now_v7",
            "new_v7",
            "new_v4",
            "now_utc",
            "std::time::Instant",
        ],
        why: "one clock, so that tests move it instead of sleeping",
    },
    Ban {
        inside: &["store/src"],
        except: &[],
        names: &["tonic", "axum", "prost", "gatepost_proto", "gatepost"],
        why: "what is remembered does not depend on how it is asked for",
    },
    Ban {
        inside: &[
            "build.rs", "build", "proto", "core", "replica", "services", "client", "tests",
        ],
        except: &["tests/tidy"],
        names: &["sea_orm", "sqlx", "fred"],
        why: "only the store knows SQL and Valkey",
    },
    Ban {
        inside: &["replica/src"],
        except: &[],
        names: &["axum", "tower_http", "gatepost_store", "gatepost"],
        why: "it stands in products' own processes, over a source that it does not know",
    },
    Ban {
        inside: &["client/src"],
        except: &[],
        names: &["gatepost_store", "gatepost"],
        why: "another team's program must not drag in a database",
    },
    Ban {
        inside: &["client/src"],
        except: &["client/src/local", "client/src/local.rs"],
        names: &["gatepost_core", "gatepost_replica"],
        why: "only who decides in its own process brings what decides",
    },
    Ban {
        inside: &["proto", "core/src"],
        except: &[],
        names: &["gatepost", "gatepost_store", "gatepost_client"],
        why: "the contract and the core know nobody",
    },
];

#[test]
fn imports_point_inward() {
    let mut faults = Vec::new();
    for file in tree::sources() {
        let bans = BANS
            .iter()
            .filter(|ban| within(&file.path, ban.inside) && !within(&file.path, ban.except));
        let (production, _) = rust::split_tests(&file.text);
        let code = rust::code(&production);
        for ban in bans.filter(|_| !file.path.ends_with("/tests.rs")) {
            for name in ban.names.iter().filter(|name| rust::names(&code, name)) {
                faults.push(format!("{}: names `{name}`; {}", file.path, ban.why));
            }
        }
    }
    refuse(&faults, "An import points the wrong way.");
}

fn within(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| {
        path.strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Where the store may tell one engine from the other.
const ENGINES: [(&str, &str); 3] = [
    (
        "store/src/dialect.rs",
        "the one file that knows the two engines",
    ),
    (
        "store/src/dialect/parts.rs",
        "its part that reads what may be very much",
    ),
    (
        "store/src/walls.rs",
        "row-level security, called by it where the engine has that",
    ),
];
const ENGINE_WORDS: [&str; 8] = [
    "postgres",
    "sqlite",
    "Postgres",
    "Sqlite",
    "DbBackend",
    "POLICY",
    "current_setting",
    "PRAGMA",
];

#[test]
fn engines_are_named_in_one_place() {
    let mut faults = Vec::new();
    for file in tree::sources()
        .iter()
        .filter(|file| within(&file.path, &["store/src"]))
    {
        let (production, _) = rust::split_tests(&file.text);
        let code = rust::code_and_strings(&production);
        if ENGINES.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for word in ENGINE_WORDS.iter().filter(|word| code.contains(**word)) {
            faults.push(format!("{}: says `{word}`", file.path));
        }
    }
    refuse(
        &faults,
        "One SQL for two engines: what differs is in store/src/dialect.rs.",
    );
}

#[test]
fn services_do_not_know_each_other() {
    let services = ["auth", "identity", "authorize"];
    let mut faults = Vec::new();
    for file in tree::sources() {
        let Some(own) = services.iter().find(|name| {
            within(
                &file.path,
                &[&format!("services/{name}"), &format!("services/{name}.rs")],
            )
        }) else {
            continue;
        };
        let code = rust::code(&file.text);
        let named = ["crate::", "super::"]
            .map(|prefix| rust::paths_after(&code, prefix))
            .concat();
        for other in services
            .iter()
            .filter(|name| *name != own && named.contains(name))
        {
            faults.push(format!("{}: names `{other}`", file.path));
        }
    }
    refuse(
        &faults,
        "What two services need moves down, to core or store, never sideways.",
    );
}

/// What each crate may depend on, of ours.
const ARROWS: [(&str, &[&str]); 6] = [
    ("Cargo.toml", &[]),
    ("core/Cargo.toml", &[]),
    ("store/Cargo.toml", &["gatepost-core"]),
    ("replica/Cargo.toml", &["gatepost-core", "gatepost-proto"]),
    (
        "client/Cargo.toml",
        &["gatepost-core", "gatepost-proto", "gatepost-replica"],
    ),
    (
        "services/Cargo.toml",
        &[
            "gatepost-core",
            "gatepost-proto",
            "gatepost-replica",
            "gatepost-store",
        ],
    ),
];

#[test]
fn crates_depend_inward() {
    for (manifest, allowed) in ARROWS {
        let ours: Vec<String> = dependencies(manifest)
            .into_iter()
            .filter(|name| name.starts_with("gatepost"))
            .collect();
        assert_eq!(
            ours, allowed,
            "{manifest}: six crates, and these arrows only"
        );
    }
    let client: Table = tree::read("client/Cargo.toml").parse().unwrap();
    for name in ["gatepost-core", "gatepost-replica"] {
        let optional = client["dependencies"][name].get("optional");
        assert!(
            optional.is_some_and(|optional| optional.as_bool() == Some(true)),
            "{name}: only the feature `local` brings what decides"
        );
    }
}

/// What the core may stand on, and why.
const CORE: [(&str, &str); 7] = [
    ("foldhash", "a fast hash for maps that no stranger fills"),
    (
        "hashbrown",
        "maps that are asked by a borrowed key of another type",
    ),
    ("serde", "facts and manifests have a JSON form"),
    ("serde_json", "facts and manifests have a JSON form"),
    ("thiserror", "errors without ceremony"),
    ("unicode-normalization", "names are compared in NFC"),
    ("uuid", "ids; without the features that make one, see below"),
];
/// What those stand on themselves. `uuid` is a leaf: the rest of it hangs on features.
const CORE_BELOW: [&str; 15] = [
    "allocator-api2",
    "equivalent",
    "itoa",
    "memchr",
    "proc-macro2",
    "quote",
    "serde_core",
    "serde_derive",
    "syn",
    "thiserror-impl",
    "tinyvec",
    "tinyvec_macros",
    "unicode-ident",
    "ryu",
    "zmij",
];

#[test]
fn the_core_stands_on_little() {
    let direct = CORE.map(|(name, _)| name.to_owned());
    assert_eq!(
        dependencies("core/Cargo.toml"),
        direct,
        "core/Cargo.toml: not on the allow-list"
    );

    let lock: Table = tree::read("Cargo.lock").parse().unwrap();
    // A package goes by its name, and by name and version where there are several of that name.
    let mut below: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let needs = package
            .get("dependencies")
            .and_then(|needs| needs.as_array());
        let needs: Vec<&str> = needs
            .into_iter()
            .flatten()
            .filter_map(|need| need.as_str())
            .collect();
        let [name, version] = ["name", "version"].map(|key| package[key].as_str().unwrap());
        below.insert(format!("{name} {version}"), needs.clone());
        below.insert(name.to_owned(), needs);
    }
    let name = |need: &str| need.split(' ').next().unwrap_or_default().to_owned();
    // What only its tests need does not count.
    let mut open = below["gatepost-core"].clone();
    open.retain(|need| direct.contains(&name(need)));
    let mut reached: BTreeSet<String> = BTreeSet::new();
    while let Some(need) = open.pop() {
        if reached.insert(name(need)) && name(need) != "uuid" {
            open.extend(&below[need]);
        }
    }
    let known = |name: &&String| direct.contains(name) || CORE_BELOW.contains(&name.as_str());
    let strange: Vec<String> = reached
        .iter()
        .filter(|name| !known(name))
        .cloned()
        .collect();
    refuse(
        &strange,
        "The core's closure has grown: name it in CORE_BELOW, or do without.",
    );
}

#[test]
fn the_core_cannot_make_ids() {
    let workspace: Table = tree::read("Cargo.toml").parse().unwrap();
    let core: Table = tree::read("core/Cargo.toml").parse().unwrap();
    let mut features = Vec::new();
    for uuid in [
        &workspace["workspace"]["dependencies"]["uuid"],
        &core["dependencies"]["uuid"],
    ] {
        let named = uuid
            .get("features")
            .and_then(|features| features.as_array());
        features.extend(named.into_iter().flatten().filter_map(|name| name.as_str()));
    }
    features.retain(|name| name.starts_with('v') || name.contains("rng"));
    assert!(
        features.is_empty(),
        "core's uuid reads a clock or random bytes: {features:?}"
    );
}

/// The names under `[dependencies]`, in alphabetical order.
fn dependencies(manifest: &str) -> Vec<String> {
    let manifest: Table = tree::read(manifest).parse().unwrap();
    let mut names: Vec<String> = manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    names.sort();
    names
}
