use proptest::prelude::*;

use super::*;
use crate::decide::Decision;
use crate::fact::{Effect, Fact, RolePermission, Status};
use crate::id::{OrganizationId, RoleId};
use crate::oracle;
use crate::oracle::world::{self, World};
use crate::terms::NO_ATTRIBUTES;

/// Every page after another, as one list.
fn all<T, C>(page: impl Fn(Option<&C>) -> Page<T, C>) -> Vec<T> {
    let mut found = Vec::new();
    let mut after: Option<C> = None;
    loop {
        let page = page(after.as_ref());
        found.extend(page.found);
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// The names that a product declares or a role of the subject spells out, by resource and action.
fn names(view: View<'_>, subject: Subject, product: &str) -> Vec<(String, String)> {
    let Some(product) = view.system.product(product) else {
        return Vec::new();
    };
    let mut pairs = product.declared();
    view.each_role(subject, product, |holding| {
        let lines = holding.role.permissions().into_iter();
        pairs.extend(lines.map(|line| (line.resource, line.action)));
    });
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn subjects_are_all_who_may(
        world in world::world(), product in prop::option::of(world::product()),
        resource in world::name(), action in world::name(),
        attributes in world::attributes(), limit in 1_usize..4,
    ) {
        let built = world.build();
        let question = Question {
            product: product.as_deref(),
            resource: &resource,
            action: &action,
            attributes: &attributes,
        };
        let may = |subject: &Subject| {
            Decision::from(oracle::decide(&world, *subject, question)).allowed
        };
        let mut subjects: Vec<Subject> = world.organization.iter().filter_map(subject_of).collect();
        subjects.sort();
        subjects.retain(may);
        let (users, machines): (Vec<Subject>, Vec<Subject>) =
            subjects.into_iter().partition(|subject| matches!(subject, Subject::User(_)));
        for (kind, expected) in [(SubjectKind::User, users), (SubjectKind::Application, machines)] {
            let found = all(|after: Option<&Uuid>| {
                search_subjects(built.view(), question, kind, after.copied(), limit)
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn resources_and_actions_are_all_that_may_be(
        world in world::world(), subject in world::subject(), product in world::product(),
        name in world::name(), attributes in world::attributes(), limit in 1_usize..4,
    ) {
        let built = world.build();
        let view = built.view();
        let may = |resource: &str, action: &str| {
            let question = Question {
                product: Some(&product),
                resource,
                action,
                attributes: &attributes,
            };
            Decision::from(oracle::decide(&world, subject, question)).allowed
        };
        let pairs = names(view, subject, &product);
        let resources = pairs.iter().map(|(resource, _)| resource);
        let expected: BTreeSet<&String> =
            resources.filter(|resource| *resource != ANY && may(resource, &name)).collect();
        let of = Asked { view, subject, product: &product, attributes: &attributes };
        let found = all(|after: Option<&String>| {
            search_resources(of, &name, after.map(String::as_str), limit)
        });
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
        let actions = pairs.iter().map(|(_, action)| action);
        let expected: BTreeSet<&String> =
            actions.filter(|action| *action != ANY && may(&name, action)).collect();
        let found = all(|after: Option<&String>| {
            search_actions(of, &name, after.map(String::as_str), limit)
        });
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "two nouns are subjects, and no other"
)]
fn subject_of(fact: &Fact) -> Option<Subject> {
    match fact {
        Fact::User { id, .. } => Some(Subject::User(*id)),
        Fact::Application { id, .. } => Some(Subject::Application(*id)),
        _ => None,
    }
}

/// Many users, of whom only the last is active, and may do what everybody may.
fn crowd(count: usize) -> World {
    let id = OrganizationId::new(world::ORGANIZATION);
    let user = |number: usize| Fact::User {
        id: UserId::new(Uuid::from_u128(number as u128)),
        username: String::new(),
        display_name: String::new(),
        status: if number == count {
            Status::Active
        } else {
            Status::Suspended
        },
    };
    let mut organization: Vec<Fact> = (1..=count).rev().map(user).collect();
    organization.push(Fact::Organization {
        id,
        slug: "o".into(),
        name: "O".into(),
        status: Status::Active,
    });
    let role = RoleId::new(Uuid::from_u128(7));
    let product = Fact::Product {
        demands: Vec::new(),
        slug: "p".into(),
        aliases: vec![],
        declared: vec![],
        everyone: vec![role],
        routes: vec![],
    };
    let role = Fact::Role {
        id: role,
        product: "p".into(),
        name: "r".into(),
        permissions: vec![RolePermission {
            resource: "a".into(),
            action: "b".into(),
            effect: Effect::Allow,
        }],
        built_in: true,
    };
    World {
        id,
        system: vec![product, role],
        organization,
        single_tenant: false,
        now_s: 0,
    }
}

#[test]
fn a_page_ends_before_the_users_do() {
    let count = EXAMINED_MAX * 2 + 5;
    let built = crowd(count).build();
    let question = Question {
        product: Some("p"),
        resource: "a",
        action: "b",
        attributes: &NO_ATTRIBUTES,
    };
    let page = |after| search_subjects(built.view(), question, SubjectKind::User, after, 10);
    let number = |number: usize| Uuid::from_u128(number as u128);
    let first = page(None);
    assert_eq!(
        (first.found.len(), first.next),
        (0, Some(number(EXAMINED_MAX)))
    );
    let second = page(first.next);
    assert_eq!(
        (second.found.len(), second.next),
        (0, Some(number(2 * EXAMINED_MAX)))
    );
    let last = page(second.next);
    assert_eq!(last.found, [Subject::User(UserId::new(number(count)))]);
    assert_eq!(last.next, None);
}
