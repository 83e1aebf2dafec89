//! The decision beside those of Cedar and Casbin, on what all three can say.
#![cfg(test)]

use std::collections::BTreeMap;

use gatepost_core::{
    Effect, Fact, GrantSubject, GroupId, Member, NO_ATTRIBUTES, OrganizationId, Question, RoleId,
    RolePermission, Snapshot, Status, Subject, UserId, View, decide,
};
use gatepost_rivals::{Casbin, Cedar, Policy};
use proptest::prelude::*;
use uuid::Uuid;

const USERS: usize = 4;
const GROUPS: usize = 6;
const ROLES: usize = 5;
const NAMES: [&str; 4] = ["a", "b", "c", "*"];

fn line() -> impl Strategy<Value = (String, RolePermission)> {
    let effect = prop_oneof![3 => Just(Effect::Allow), 1 => Just(Effect::Deny)];
    let name = || prop::sample::select(&NAMES[..]).prop_map(String::from);
    (0..ROLES, name(), name(), effect).prop_map(|(role, resource, action, effect)| {
        let line = RolePermission {
            resource,
            action,
            effect,
        };
        (format!("role{role}"), line)
    })
}

/// Users and groups in later groups, so that there is no cycle; both may hold roles.
fn policy() -> impl Strategy<Value = Policy> {
    let holder = (0..USERS + GROUPS).prop_map(node);
    let user_member =
        (0..USERS, 0..GROUPS).prop_map(|(user, group)| (node(user), node(USERS + group)));
    let group_member = (0..GROUPS - 1).prop_flat_map(|child| {
        let parents = child + 1..GROUPS;
        parents.prop_map(move |parent| (node(USERS + child), node(USERS + parent)))
    });
    let member = prop_oneof![2 => user_member, 1 => group_member];
    let grant = (holder, 0..ROLES).prop_map(|(holder, role)| (holder, format!("role{role}")));
    (
        prop::collection::btree_set(member, 0..12),
        prop::collection::btree_set(grant, 0..8),
        prop::collection::btree_set(line(), 0..12),
    )
        .prop_map(|(members, grants, lines)| Policy {
            users: (0..USERS).map(node).collect(),
            members: members.into_iter().collect(),
            grants: grants.into_iter().collect(),
            lines: lines.into_iter().collect(),
        })
}

/// Users first, then groups.
fn node(number: usize) -> String {
    if number < USERS {
        format!("user{number}")
    } else {
        format!("group{}", number - USERS)
    }
}

fn id(name: &str) -> Uuid {
    let (kind, number) = name.split_at(name.len() - 1);
    let number: u128 = number.parse().unwrap();
    Uuid::from_u128((kind.len() as u128) << 32 | number)
}

fn user(name: &str) -> UserId {
    UserId::new(id(name))
}

fn group(name: &str) -> GroupId {
    GroupId::new(id(name))
}

/// The policy as Gatepost's facts.
fn facts(policy: &Policy) -> Vec<Fact> {
    let mut facts = vec![Fact::Organization {
        id: OrganizationId::new(Uuid::max()),
        slug: "o".into(),
        name: "O".into(),
        status: Status::Active,
    }];
    facts.extend(policy.users.iter().map(|name| Fact::User {
        id: user(name),
        username: name.clone(),
        display_name: String::new(),
        status: Status::Active,
    }));
    facts.extend((0..GROUPS).map(|number| Fact::Group {
        built_in: false,
        id: group(&node(USERS + number)),
        name: node(USERS + number),
    }));
    facts.extend(policy.members.iter().map(|(member, into)| Fact::Member {
        group: group(into),
        member: if member.starts_with("user") {
            Member::User(user(member))
        } else {
            Member::Group(group(member))
        },
    }));
    facts.extend(policy.grants.iter().map(|(holder, role)| Fact::Grant {
        subject: if holder.starts_with("user") {
            GrantSubject::User(user(holder))
        } else {
            GrantSubject::Group(group(holder))
        },
        role: RoleId::new(id(role)),
        until: None,
        limits: Vec::new(),
    }));
    let mut roles: BTreeMap<&str, Vec<RolePermission>> = BTreeMap::new();
    for (role, line) in &policy.lines {
        roles.entry(role).or_default().push(line.clone());
    }
    facts.extend(roles.into_iter().map(|(name, permissions)| Fact::Role {
        built_in: false,
        id: RoleId::new(id(name)),
        product: "p".into(),
        name: name.to_owned(),
        permissions,
    }));
    facts
}

fn system() -> Snapshot {
    let product = Fact::Product {
        demands: Vec::new(),
        routes: Vec::new(),
        slug: "p".into(),
        aliases: Vec::new(),
        declared: Vec::new(),
        everyone: Vec::new(),
    };
    Snapshot::build(OrganizationId::new(Uuid::nil()), 1, [product])
}

proptest! {
    // Each asks 64 questions of all three.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cedar_casbin_and_gatepost_agree(policy in policy()) {
        let organization = Snapshot::build(OrganizationId::new(Uuid::max()), 1, facts(&policy));
        let system = system();
        let view = View {
            system: &system,
            organization: &organization,
            single_tenant: false,
            now_s: 0,
        };
        let (cedar, casbin) = (Cedar::new(&policy).unwrap(), Casbin::new(&policy).unwrap());
        for name in &policy.users {
            for (resource, action) in NAMES.iter().flat_map(|a| NAMES.map(|b| (*a, b))) {
                let question = Question {
                    product: Some("p"),
                    resource,
                    action,
                    attributes: &NO_ATTRIBUTES,
                };
                let ours = decide(view, Subject::User(user(name)), question);
                let request = Cedar::request(name, resource, action).unwrap();
                let theirs = casbin.allows(name, resource, action).unwrap();
                prop_assert_eq!(ours.allowed, cedar.allows(&request), "cedar: {:?}", question);
                prop_assert_eq!(ours.allowed, theirs, "casbin: {:?}", question);
            }
        }
    }
}
