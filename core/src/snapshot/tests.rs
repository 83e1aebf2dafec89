use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fact::{FactKey, Member, Status};
use crate::oracle::world::{ORGANIZATION, fact, step, system_fact, unique};

fn organization() -> OrganizationId {
    OrganizationId::new(ORGANIZATION)
}

/// Everything a snapshot says that is not a fact but follows from them.
fn derived(snapshot: &Snapshot) -> Vec<(GroupId, Vec<GroupId>, Vec<RoleId>, u32)> {
    let mut groups: Vec<_> = snapshot
        .groups()
        .map(|group| {
            let id = group.id();
            (
                id,
                snapshot.groups_above(id),
                snapshot.roles_of_group(id),
                group.user_count(),
            )
        })
        .collect();
    groups.sort();
    groups
}

/// Facts in the order of their keys, and in another.
fn shuffled() -> impl Strategy<Value = (Vec<Fact>, Vec<Fact>)> {
    let facts = prop::collection::vec(prop_oneof![fact(), system_fact()], 0..80);
    facts
        .prop_map(unique)
        .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle()))
}

proptest! {
    #[test]
    fn order_does_not_matter((sorted, shuffled) in shuffled()) {
        let built = Snapshot::build(organization(), 3, sorted.clone());
        let other = Snapshot::build(organization(), 3, shuffled.clone());
        prop_assert_eq!(built.facts(), sorted.clone());
        prop_assert_eq!(other.facts(), sorted);
        prop_assert_eq!(derived(&built), derived(&other));
        let empty = Snapshot::build(organization(), 0, []);
        let changes: Vec<Change> = shuffled.into_iter().map(Change::created).collect();
        let applied = empty.apply(3, &changes);
        prop_assert_eq!(applied.facts(), built.facts());
        prop_assert_eq!(derived(&applied), derived(&built));
    }

    #[test]
    fn steps_are_a_fold_and_go_back(
        steps in prop::collection::vec((prop_oneof![fact(), system_fact()], any::<bool>()), 0..120),
        batch in 1_usize..8,
    ) {
        let mut model: BTreeMap<FactKey, Fact> = BTreeMap::new();
        let mut history = vec![Snapshot::build(organization(), 0, [])];
        let mut batches = Vec::new();
        for steps in steps.chunks(batch) {
            let steps = steps.iter().cloned();
            let changes: Vec<Change> =
                steps.filter_map(|(fact, keep)| step(&mut model, fact, keep)).collect();
            let snapshot = history.last().unwrap();
            history.push(snapshot.apply(snapshot.revision() + 1, &changes));
            batches.push(changes);
        }
        let last = history.pop().unwrap();
        let facts: Vec<Fact> = model.into_values().collect();
        let rebuilt = Snapshot::build(organization(), last.revision(), facts.clone());
        prop_assert_eq!(last.facts(), facts);
        prop_assert_eq!(derived(&last), derived(&rebuilt));
        let mut snapshot = last;
        while let (Some(before), Some(changes)) = (history.pop(), batches.pop()) {
            let back: Vec<Change> = changes.into_iter().rev().map(Change::inverse).collect();
            snapshot = snapshot.apply(before.revision(), &back);
            // The older snapshot was not disturbed by what was built on it.
            prop_assert_eq!(snapshot.facts(), before.facts());
            prop_assert_eq!(derived(&snapshot), derived(&before));
        }
        prop_assert_eq!(snapshot.groups.iter().count(), 0, "every slot is free again");
    }
}

fn user(number: u128) -> Fact {
    Fact::User {
        id: UserId::new(Uuid::from_u128(number)),
        username: format!("user-{number:07}"),
        display_name: format!("Given Family {number}"),
        status: Status::Active,
    }
}

#[test]
fn looks_up() {
    let (group, application) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let facts = [
        user(1),
        Fact::Group {
            id: GroupId::new(group),
            name: "g".into(),
            built_in: false,
        },
        Fact::Application {
            id: ApplicationId::new(application),
            name: "midaz".into(),
            client_id: "c".into(),
            status: Status::Active,
        },
        Fact::EndedSession {
            id: SessionId::new(group),
            until: 100,
        },
    ];
    let snapshot = Snapshot::build(organization(), 5, facts);
    let ann = snapshot.user(UserId::new(Uuid::from_u128(1))).unwrap();
    assert_eq!(
        (ann.username(), ann.display_name()),
        ("user-0000001", "Given Family 1")
    );
    assert_eq!(
        snapshot.group_by_name("g").unwrap().id(),
        GroupId::new(group)
    );
    assert!(snapshot.group_by_name("h").is_none());
    let (found, entry) = snapshot.application_by_client_id("c").unwrap();
    assert_eq!(
        (found, entry.name()),
        (ApplicationId::new(application), "midaz")
    );
    let session = SessionId::new(group);
    assert!(snapshot.session_ended(session));
    assert!(snapshot.forget_ended_sessions(100).session_ended(session));
    let later = snapshot.forget_ended_sessions(101);
    assert_eq!((later.session_ended(session), later.revision()), (false, 5));
}

#[test]
fn memory_of_many_small_organizations() {
    // 100,000 users in 1,000 organizations are to cost well under 100 MB; this is one of them.
    let groups = (0..20).map(|number| Uuid::from_u128(1_000_000 + number));
    let groups: Vec<GroupId> = groups.map(GroupId::new).collect();
    let mut facts: Vec<Fact> = (0..100).map(user).collect();
    for (number, id) in groups.iter().enumerate() {
        facts.push(Fact::Group {
            id: *id,
            name: format!("some-product-{number}-editor-group"),
            built_in: false,
        });
        let role = RoleId::new(Uuid::from_u128(number as u128));
        facts.push(Fact::Grant {
            subject: GrantSubject::Group(*id),
            role,
            until: None,
            limits: Vec::new(),
        });
    }
    for (number, fact) in facts.clone().iter().enumerate() {
        if let Fact::User { id, .. } = fact {
            let member = Member::User(*id);
            facts.push(Fact::Member {
                group: groups[number % 20],
                member,
            });
            facts.push(Fact::Member {
                group: groups[(number + 7) % 20],
                member,
            });
        }
    }
    let snapshot = Snapshot::build(organization(), 1, facts);
    assert!(
        snapshot.approximate_bytes() < 30_000,
        "{}",
        snapshot.approximate_bytes()
    );
}
