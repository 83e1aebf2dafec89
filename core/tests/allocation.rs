//! A decision does not allocate. In a program of its own, whose allocator counts.
#![cfg(test)]

use std::alloc::System;

use gatepost_core::{
    ApplicationId, AttributeLimit, Attributes, Effect, Fact, GrantSubject, GroupId, Member,
    OrganizationId, Question, RoleId, RolePermission, Snapshot, Status, Subject, UserId, View,
    decide,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ORGANIZATION: Uuid = Uuid::from_u128(1);

fn role(number: u128, lines: &[(&str, &str, Effect)]) -> Fact {
    let line = |(resource, action, effect): &(&str, &str, Effect)| RolePermission {
        resource: (*resource).into(),
        action: (*action).into(),
        effect: *effect,
    };
    Fact::Role {
        built_in: false,
        id: RoleId::new(Uuid::from_u128(number)),
        product: "p".into(),
        name: format!("role-{number}"),
        permissions: lines.iter().map(line).collect(),
    }
}

fn grant(subject: GrantSubject, role: u128) -> Fact {
    Fact::Grant {
        subject,
        role: RoleId::new(Uuid::from_u128(role)),
        until: Some(1_000),
        limits: vec![AttributeLimit {
            attribute: "ledger".into(),
            values: (0..100).map(|number| format!("ledger-{number}")).collect(),
        }],
    }
}

/// A role of a hundred thousand permissions.
fn huge_role(number: u128) -> Fact {
    let names: Vec<String> = (0..100_000).map(|line| format!("r{line}")).collect();
    let lines: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), "get", Effect::Allow))
        .collect();
    role(number, &lines)
}

/// Somebody with a huge role and in 40 groups, nested, with limited roles that allow, deny, and
/// speak of everything.
fn organization() -> Vec<Fact> {
    use Effect::{Allow, Deny};
    let user = UserId::new(Uuid::from_u128(2));
    let application = ApplicationId::new(Uuid::from_u128(3));
    let mut facts = vec![
        Fact::Organization {
            id: OrganizationId::new(ORGANIZATION),
            slug: "o".into(),
            name: "O".into(),
            status: Status::Active,
        },
        Fact::User {
            id: user,
            username: "ann".into(),
            display_name: "Ann".into(),
            status: Status::Active,
        },
        Fact::Application {
            id: application,
            name: "bot".into(),
            client_id: "bot".into(),
            status: Status::Active,
        },
        role(
            10,
            &[("a", "get", Allow), ("a", "*", Allow), ("*", "post", Allow)],
        ),
        role(
            11,
            &[("*", "*", Allow), ("a", "delete", Deny), ("b", "*", Deny)],
        ),
        role(12, &[("*", "delete", Deny), ("c", "get", Allow)]),
        grant(GrantSubject::User(user), 10),
        grant(GrantSubject::Application(application), 11),
        huge_role(13),
        grant(GrantSubject::User(user), 13),
    ];
    for number in 0..40 {
        let id = |number| GroupId::new(Uuid::from_u128(100 + number));
        facts.push(Fact::Group {
            built_in: false,
            id: id(number),
            name: format!("group-{number}"),
        });
        facts.push(Fact::Member {
            group: id(number),
            member: Member::User(user),
        });
        facts.push(grant(GrantSubject::Group(id(number)), 10 + number % 3));
        if number % 8 != 0 {
            facts.push(Fact::Member {
                group: id(number - 1),
                member: Member::Group(id(number)),
            });
        }
    }
    facts
}

#[test]
fn a_decision_allocates_nothing() {
    let system = Fact::Product {
        demands: Vec::new(),
        routes: Vec::new(),
        slug: "p".into(),
        aliases: vec!["q".into()],
        declared: vec![("a".into(), "get".into()), ("c".into(), "get".into())],
        everyone: vec![RoleId::new(Uuid::from_u128(10))],
    };
    let system = Snapshot::build(OrganizationId::new(Uuid::nil()), 1, [system]);
    let organization = Snapshot::build(OrganizationId::new(ORGANIZATION), 1, organization());
    let view = View {
        system: &system,
        organization: &organization,
        single_tenant: false,
        now_s: 0,
    };
    let attributes: Attributes = [("ledger".into(), "ledger-7".into())].into();
    let subjects = [
        Subject::User(UserId::new(Uuid::from_u128(2))),
        Subject::Application(ApplicationId::new(Uuid::from_u128(3))),
        Subject::User(UserId::new(Uuid::from_u128(4))),
    ];
    let products = [Some("p"), Some("q"), Some("unknown"), None];
    let names = ["a", "b", "c", "r70000", "*", ""];
    let actions = ["get", "post", "delete", "*"];
    let mut allowed = 0;
    let mut ask_all = || {
        let region = Region::new(ALLOCATOR);
        for subject in subjects {
            for (product, resource) in products.iter().flat_map(|p| names.map(|r| (*p, r))) {
                for action in actions {
                    let question = Question {
                        product,
                        resource,
                        action,
                        attributes: &attributes,
                    };
                    allowed += usize::from(decide(view, subject, question).allowed);
                }
            }
        }
        let change = region.change();
        change.allocations + change.reallocations
    };
    // The thread that waits for this test may allocate meanwhile, but not each time.
    let fewest = (0..5).map(|_| ask_all()).min();
    assert_eq!(fewest, Some(0));
    assert!(allowed > 10, "{allowed} decisions were a yes");
}
