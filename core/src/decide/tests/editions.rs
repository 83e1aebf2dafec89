//! Decisions keep what they find out: it must not be said of another edition.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fact::{Change, Fact, GrantSubject, Status};
use crate::oracle::world;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_is_said_of_what_was_before(
        world in world::world(), subjects in prop::collection::vec(world::subject(), 2),
        steps in prop::collection::vec((any::<bool>(), world::fact(), any::<bool>()), 1..12),
        system_fact in world::system_fact(),
    ) {
        let is_one = world.id == OrganizationId::new(world::SYSTEM);
        let by_key = |facts: Vec<Fact>| facts.into_iter().map(|fact| (fact.key(), fact)).collect();
        let mut facts: [BTreeMap<_, Fact>; 2] =
            [world.system.clone(), world.organization.clone()].map(by_key);
        let mut built = world.build();
        let last = (true, system_fact, true);
        for (of_system, fact, keep) in steps.into_iter().chain([last]) {
            let next = |snapshot: &Snapshot, facts: &mut BTreeMap<_, Fact>, changes: bool| {
                let change = changes.then(|| world::step(facts, fact.clone(), keep)).flatten();
                change.map_or_else(|| snapshot.clone(), |change| snapshot.apply(2, &[change]))
            };
            let [system_facts, organization_facts] = &mut facts;
            let system = next(&built.system, system_facts, is_one || of_system);
            let organization =
                next(&built.organization, organization_facts, is_one || !of_system);
            let after = built.with(system, organization);
            let before = std::mem::replace(&mut built, after);
            let [system, organization] = facts.clone().map(|facts| facts.into_values().collect());
            let fresh = World { system, organization, ..world.clone() }.build();
            for question in all_questions() {
                for subject in &subjects {
                    let asked = ask(&question);
                    let right = decide(fresh.view(), *subject, asked);
                    prop_assert_eq!(decide(built.view(), *subject, asked), right);
                    // Somebody still has the snapshots of before.
                    decide(before.view(), *subject, asked);
                }
            }
        }
    }
}

const ANN: Uuid = Uuid::from_u128(1);

fn ann() -> Fact {
    Fact::User {
        id: UserId::new(ANN),
        username: "ann".into(),
        display_name: String::new(),
        status: Status::Active,
    }
}

fn installation(everyone: &[u128]) -> Fact {
    product("p", "old-p", &[("a", "get"), ("b", "get")], everyone)
}

/// A role that allows to get one resource.
fn getter(number: u128, resource: &str) -> Fact {
    role(number, "p", &[(resource, "get", Effect::Allow)])
}

fn given(number: u128) -> Fact {
    Fact::Grant {
        subject: GrantSubject::User(UserId::new(ANN)),
        role: RoleId::new(Uuid::from_u128(number)),
        until: None,
        limits: Vec::new(),
    }
}

/// Asks for both resources.
fn may_get(system: &Snapshot, organization: &Snapshot) -> [bool; 2] {
    let view = View {
        system,
        organization,
        single_tenant: false,
        now_s: 0,
    };
    let subject = Subject::User(UserId::new(ANN));
    ["a", "b"].map(|resource| decide(view, subject, about(Some("p"), resource, "get")).allowed)
}

fn house_of_ann(facts: &[Fact]) -> (Snapshot, Snapshot) {
    let system = Snapshot::build(OrganizationId::new(Uuid::nil()), 1, [installation(&[])]);
    let own = Fact::Organization {
        id: OrganizationId::new(world::ORGANIZATION),
        slug: "house".into(),
        name: "House".into(),
        status: Status::Active,
    };
    let facts = facts.iter().cloned().chain([own, ann()]);
    let organization = Snapshot::build(OrganizationId::new(world::ORGANIZATION), 1, facts);
    (system, organization)
}

#[test]
fn an_edited_role_is_heard_again() {
    let (system, before) = house_of_ann(&[getter(10, "a"), given(10)]);
    assert_eq!(may_get(&system, &before), [true, false]);
    let edit = Change::updated(getter(10, "a"), getter(10, "b"));
    let after = before.apply(2, &[edit]);
    assert_eq!(may_get(&system, &after), [false, true]);
    assert_eq!(may_get(&system, &before), [true, false]);
}

#[test]
fn a_seat_that_another_role_takes_is_looked_at_again() {
    let (system, before) = house_of_ann(&[getter(10, "a"), getter(11, "b"), given(10)]);
    assert_eq!(may_get(&system, &before), [true, false]);
    let left = before.apply(2, &[Change::removed(given(10))]);
    assert_eq!(may_get(&system, &left), [false, false]);
    let taken = left.apply(3, &[Change::created(given(11))]);
    assert_eq!(may_get(&system, &taken), [false, true]);
}

#[test]
fn what_the_installation_says_is_heard_again() {
    let (system, organization) = house_of_ann(&[]);
    assert_eq!(may_get(&system, &organization), [false, false]);
    let everyone = [
        Change::created(getter(12, "b")),
        Change::updated(installation(&[]), installation(&[12])),
    ];
    let open = system.apply(2, &everyone);
    assert_eq!(may_get(&open, &organization), [false, true]);
    assert_eq!(may_get(&system, &organization), [false, false]);
}
