use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::decide::View;
use crate::fact::{Fact, RolePermission};
use crate::id::{GroupId, OrganizationId, RoleId};
use crate::limits::{MANIFEST_PERMISSIONS_MAX, MANIFEST_ROLES_MAX};
use crate::snapshot::Snapshot;

fn read(json: &str) -> Manifest {
    serde_json::from_str(json).unwrap()
}

fn fees() -> Manifest {
    read(
        r#"{
        "service": "plugin-fees", "version": "3.1", "aliases": ["fees"],
        "permissions": [
            {"resource": "packages", "action": "get", "roles": ["viewer", "editor"]},
            {"resource": "packages", "action": "delete", "effect": "deny", "roles": ["viewer"]},
            {"resource": "fees", "action": "*", "roles": ["editor"]},
            {"resource": "estimates", "action": "post"}
        ],
        "roles": [
            {"name": "viewer", "granted_to": [{"group": "viewers"}], "everyone": true},
            {"name": "editor", "grantedTo": [{"group": "editors"}, {"group": "admin-group"}],
             "machines": ["midaz", "plugin-fees"]},
            {"name": "empty"}
        ],
        "m2m": {"exposed": true, "needs": ["midaz"]},
        "routes": [
            {"methods": ["HEAD", "GET"], "path": "/v1/packages/{package_id}",
             "resource": "packages", "action": "get"},
            {"grpc": "fees.v1.Estimates/*", "resource": "packages", "action": "get"}
        ]
    }"#,
    )
}

#[test]
fn what_follows() {
    let manifest = fees();
    assert_eq!(manifest.validate(), Ok(()));
    let told = |lines: &[RolePermission]| -> Vec<String> {
        let text =
            |line: &RolePermission| format!("{}:{} {:?}", line.resource, line.action, line.effect);
        lines.iter().map(text).collect()
    };
    let roles: Vec<_> = manifest.roles();
    let roles: Vec<_> = roles
        .iter()
        .map(|(name, lines)| (name.as_str(), told(lines)))
        .collect();
    let line = |text: &str| text.to_owned();
    assert_eq!(
        roles,
        [
            (
                "editor",
                vec![line("fees:* Allow"), line("packages:get Allow")]
            ),
            ("empty", vec![]),
            (
                "viewer",
                vec![line("packages:delete Deny"), line("packages:get Allow")]
            ),
        ]
    );
    let declared: Vec<_> = manifest
        .declared()
        .into_iter()
        .map(|(resource, action)| resource + ":" + &action)
        .collect();
    assert_eq!(
        declared,
        ["estimates:post", "packages:delete", "packages:get"]
    );
    let groups = serde_json::to_string(&manifest.groups()).unwrap();
    assert_eq!(
        groups,
        r#"{"admin-group":["editor"],"editors":["editor"],"viewers":["viewer"]}"#
    );
    assert_eq!(manifest.everyone_roles(), ["viewer"]);
    assert_eq!(manifest.machine_roles("midaz"), ["editor"]);
    let routes = serde_json::to_string(&manifest.routes()).unwrap();
    assert_eq!(
        routes,
        concat!(
            r#"[{"methods":["GET","HEAD"],"path":"/v1/packages/{package_id}","#,
            r#""resource":"packages","action":"get"},"#,
            r#"{"methods":["POST"],"path":"/fees.v1.Estimates/*","#,
            r#""resource":"packages","action":"get"}]"#
        )
    );
    assert!(manifest.machine_roles("reporter").is_empty());
}

#[test]
fn the_hash_is_of_the_meaning() {
    let manifest = fees();
    let bytes = manifest.canonical_bytes();
    let mut same = manifest.clone();
    same.version = "4".into();
    same.permissions.reverse();
    same.roles.reverse();
    same.roles[1].granted_to.reverse();
    same.permissions[3].roles.reverse();
    same.routes.reverse();
    same.routes[1].methods.reverse();
    assert_eq!(same.canonical_bytes(), bytes);
    let mut other = manifest.clone();
    other.permissions[3].action = "get".into();
    assert_ne!(other.canonical_bytes(), bytes);
    // A stored hash is compared by later versions of the program, so its form is a contract.
    let small = read(r#"{"service":"a","version":"1"}"#);
    let form = concat!(
        r#"{"service":"a","aliases":[],"permissions":[],"roles":[],"#,
        r#""m2m":{"exposed":false,"needs":[]}}"#
    );
    assert_eq!(String::from_utf8(small.canonical_bytes()).unwrap(), form);
}

#[test]
fn what_changed() {
    let (old, mut new) = (fees(), fees());
    assert!(diff(&old, &new).is_empty());
    new.permissions[3].action = "put".into();
    new.permissions[0].roles.pop();
    let changes = diff(&old, &new);
    let told = |lines: &std::collections::BTreeSet<ManifestLine>| -> Vec<String> {
        let text = |line: &ManifestLine| {
            let role = line.role.as_deref().unwrap_or("-");
            format!(
                "{role} {}:{}",
                line.permission.resource, line.permission.action
            )
        };
        lines.iter().map(text).collect()
    };
    assert_eq!(told(&changes.added), ["- estimates:put"]);
    assert_eq!(
        told(&changes.removed),
        ["- estimates:post", "editor packages:get"]
    );
    new = old.clone();
    new.routes[0].path = "/v2/packages/{package_id}".into();
    let changes = diff(&old, &new);
    let paths = |routes: &std::collections::BTreeSet<crate::Route>| -> Vec<String> {
        routes.iter().map(|route| route.path.clone()).collect()
    };
    assert_eq!(paths(&changes.routes_added), ["/v2/packages/{package_id}"]);
    assert_eq!(
        paths(&changes.routes_removed),
        ["/v1/packages/{package_id}"]
    );
    assert!(!changes.is_empty() && changes.added.is_empty());
}

type Edit = fn(&mut Manifest);

/// What is done to a good manifest, and where and how that is refused.
const MISTAKES: [(Edit, &str, &str); 24] = [
    (|m| m.service = "Fees".into(), "service", "lower-case"),
    (|m| m.aliases[0] = "a/b".into(), "aliases[0]", "lower-case"),
    (
        |m| m.aliases[0] = "plugin-fees".into(),
        "aliases[0]",
        "twice",
    ),
    (
        |m| m.aliases[0] = "gatepost-system".into(),
        "aliases[0]",
        "Gatepost itself",
    ),
    (|m| m.aliases.push("fees".into()), "aliases[1]", "twice"),
    (
        |m| m.aliases = (0..21).map(|n| n.to_string()).collect(),
        "aliases",
        "at most 20",
    ),
    (|m| m.m2m.needs[0] = String::new(), "m2m.needs[0]", "empty"),
    (
        |m| m.permissions[3].resource = "a/b".into(),
        "permissions[3].resource",
        "'/'",
    ),
    (
        |m| m.permissions[3].action = "a:b".into(),
        "permissions[3].action",
        "':'",
    ),
    (
        |m| m.permissions[3] = m.permissions[0].clone(),
        "permissions[3]",
        "twice",
    ),
    (
        |m| m.permissions[3].roles.push("no".into()),
        "permissions[3].roles[0]",
        "not in `roles`",
    ),
    (
        |m| m.permissions[0].roles.push("editor".into()),
        "permissions[0].roles[2]",
        "twice",
    ),
    (
        |m| m.roles[2].name = "Viewer".into(),
        "roles[2].name",
        "twice",
    ),
    (
        |m| m.roles[2].machines.push("A".into()),
        "roles[2].machines[0]",
        "lower-case",
    ),
    (
        |m| m.roles[1].granted_to[1].group = "Editors".into(),
        "roles[1].grantedTo[1].group",
        "twice",
    ),
    (|m| m.routes[0].grpc = "a.B/C".into(), "routes[0]", "either"),
    (|m| m.routes[0].methods.clear(), "routes[0]", "either"),
    (|m| m.routes[1].grpc.clear(), "routes[1]", "either"),
    (|m| m.routes[1].grpc = "a.B".into(), "routes[1]", "gRPC"),
    (
        |m| m.routes[0].path = "/a/../b".into(),
        "routes[0]",
        "a path such as",
    ),
    (
        |m| m.routes[0].methods[0] = "get".into(),
        "routes[0]",
        "capital",
    ),
    (
        |m| m.routes.push(m.routes[1].clone()),
        "routes[2]",
        "another route",
    ),
    (
        |m| m.routes[0].action = "put".into(),
        "routes[0]",
        "not in `permissions`",
    ),
    (
        |m| m.routes[0].methods = vec!["GET".into(); 21],
        "routes[0]",
        "at most 20",
    ),
];

#[test]
fn mistakes() {
    for (edit, path, problem) in MISTAKES {
        let mut manifest = fees();
        edit(&mut manifest);
        let errors = manifest.validate().unwrap_err();
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with(&format!("{path}: ")) && told[0].contains(problem),
            "{told:?}"
        );
    }
}

#[test]
fn sizes_at_the_edge() {
    let permission = |number: usize| ManifestPermission {
        resource: format!("r{number}"),
        action: "get".into(),
        ..ManifestPermission::default()
    };
    let mut manifest = Manifest {
        service: "a".into(),
        ..Manifest::default()
    };
    manifest.permissions = (0..MANIFEST_PERMISSIONS_MAX).map(permission).collect();
    manifest.roles = (0..MANIFEST_ROLES_MAX)
        .map(|number| ManifestRole {
            name: format!("r{number}"),
            ..ManifestRole::default()
        })
        .collect();
    assert_eq!(manifest.validate(), Ok(()));
    manifest
        .permissions
        .push(permission(MANIFEST_PERMISSIONS_MAX));
    manifest.roles.push(ManifestRole::default());
    assert_eq!(manifest.validate().unwrap_err().len(), 2);
    let mut manifest = Manifest {
        service: "a".into(),
        ..Manifest::default()
    };
    manifest.permissions = vec![ManifestPermission::default(); 100];
    assert_eq!(
        manifest.validate().unwrap_err().len(),
        20,
        "no answer without end"
    );
}

#[test]
fn nothing_unknown() {
    for bad in [
        r#"{"services":"a"}"#,
        r#"{"permissions":[{"level":"tenant"}]}"#,
        r#"{"roles":{}}"#,
    ] {
        assert!(serde_json::from_str::<Manifest>(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged(
        service in ".*",
        name in ".*",
        action in ".*",
        path in "(/|:|[{}a%*.]){0,9}",
    ) {
        let mut manifest = fees();
        manifest.service = service;
        manifest.roles[0].name = name;
        manifest.permissions[3].action = action;
        manifest.routes.truncate(1);
        manifest.routes[0].path = path;
        if manifest.validate().is_ok() {
            let again: Manifest = serde_json::from_slice(&manifest.canonical_bytes()).unwrap();
            prop_assert_eq!(again.canonical_bytes(), manifest.canonical_bytes());
            prop_assert!(diff(&manifest, &again).is_empty());
        }
    }
}

/// An organization with two built-in groups' names, one of them its own group.
fn furnished(publication: &Publication) -> (Snapshot, Snapshot) {
    let id = OrganizationId::new(Uuid::from_u128(1));
    let mut number = 100;
    let new_id = move || {
        number += 1;
        Uuid::from_u128(number)
    };
    let group = |number, name: &str, built_in| Fact::Group {
        id: GroupId::new(Uuid::from_u128(number)),
        name: name.into(),
        built_in,
    };
    let role = |number, name: &str, built_in| Fact::Role {
        id: RoleId::new(Uuid::from_u128(number)),
        product: "plugin-fees".into(),
        name: name.into(),
        permissions: vec![],
        built_in,
    };
    let system = [
        role(10, "Viewer", true),
        role(11, "gone", true),
        role(12, "custom", false),
    ];
    let system = Snapshot::build(OrganizationId::new(Uuid::from_u128(2)), 1, system);
    let own = [group(20, "Editors", true), group(21, "viewers", false)];
    let organization = Snapshot::build(id, 1, own);
    let view = View {
        system: &system,
        organization: &organization,
        single_tenant: false,
        now_s: 0,
    };
    let proposal = publication.proposal(view, new_id);
    (
        system.apply(2, &proposal.system),
        organization.apply(2, &proposal.organization),
    )
}

#[test]
fn publishing_keeps_ids_and_takes_no_groups() {
    let publication = fees().publication();
    let (system, organization) = furnished(&publication);
    let mut roles: Vec<(u128, &str)> = system
        .roles()
        .map(|(id, role)| (id.uuid().as_u128(), role.name()))
        .collect();
    roles.sort_unstable();
    let expected = [
        (10, "viewer"),
        (12, "custom"),
        (101, "editor"),
        (102, "empty"),
    ];
    assert_eq!(roles, expected);
    let product = system.product("fees").unwrap();
    assert_eq!(product.slug(), "plugin-fees");
    assert_eq!(product.everyone(), [RoleId::new(Uuid::from_u128(10))]);
    assert_eq!(product.declared(), fees().declared());
    let mut groups: Vec<(u128, &str, usize)> = organization
        .groups()
        .map(|group| {
            (
                group.id().uuid().as_u128(),
                group.name(),
                group.grants().len(),
            )
        })
        .collect();
    groups.sort_unstable();
    let expected = [
        (20, "Editors", 1),
        (21, "viewers", 0),
        (103, "admin-group", 1),
    ];
    assert_eq!(groups, expected);
}
