use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::PRODUCT_SYSTEM;
use crate::fact::{AttributeLimit, Change, Fact, GrantSubject, Member, Status};
use crate::id::{GroupId, OrganizationId, RoleId};
use crate::oracle;
use crate::oracle::world::{self, Built, World};
use crate::permission::Permission;
use crate::role::RoleEntry;
use crate::snapshot::GroupEntry;
use crate::terms::Attributes;

mod cases;

/// A world in which everybody may act and the subject is there, so that more is not said but done.
fn lively() -> impl Strategy<Value = (World, Subject)> {
    (world::world(), world::subject()).prop_map(|(mut world, subject)| {
        let fact = match subject {
            Subject::User(id) => Fact::User {
                id,
                username: "subject".into(),
                display_name: String::new(),
                status: Status::Active,
            },
            Subject::Application(id) => Fact::Application {
                id,
                name: "subject".into(),
                client_id: "subject".into(),
                status: Status::Active,
            },
        };
        let organization = Fact::Organization {
            id: world.id,
            slug: "o".into(),
            name: "O".into(),
            status: Status::Active,
        };
        let is_system = world.id == OrganizationId::new(world::SYSTEM);
        let here = [fact, organization.clone()];
        let there = if is_system {
            here.to_vec()
        } else {
            vec![organization]
        };
        world.organization = world::unique(world.organization.into_iter().chain(here));
        let product = |slug: &str| Fact::Product {
            demands: Vec::new(),
            slug: slug.into(),
            aliases: vec![],
            declared: vec![("a".into(), "a".into()), ("b".into(), "c".into())],
            everyone: vec![],
            routes: vec![],
        };
        let products = ["p", "q"].map(product).into_iter();
        world.system = world::unique(products.chain(world.system).chain(there));
        if is_system {
            world.organization.clone_from(&world.system);
        }
        (world, subject)
    })
}

type Asking = (Option<String>, String, String, Attributes);

/// Every question about two products, and without one.
fn all_questions(attributes: &Attributes) -> Vec<Asking> {
    let mut questions = Vec::new();
    for product in [Some("p"), Some("q"), None] {
        for resource in world::NAMES {
            for action in world::NAMES {
                let product = product.map(String::from);
                questions.push((product, resource.into(), action.into(), attributes.clone()));
            }
        }
    }
    questions
}

fn question((product, resource, action, attributes): &Asking) -> Question<'_> {
    Question {
        product: product.as_deref(),
        resource,
        action,
        attributes,
    }
}

/// The reasons that something leads to.
const LED_TO: [Reason; 3] = [Reason::Granted, Reason::Denied, Reason::AttributesUnmet];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn paths_are_all_the_ways_there_are(
        (world, subject) in lively(), attributes in world::attributes(),
    ) {
        let built = world.build();
        for asking in all_questions(&attributes) {
            let question = question(&asking);
            let explained = explain(built.view(), subject, question);
            let reason = oracle::decide(&world, subject, question);
            prop_assert_eq!(explained.decision, Decision::from(reason));
            let mut ways = ways(&world, built.view(), subject, question, reason);
            ways.sort_by(|one, other| {
                let key = |path: &GrantPath| (path.groups.len(), path.groups.clone());
                let end = |path: &GrantPath| (path.role.clone(), path.line.clone(), path.everyone);
                key(one).cmp(&key(other)).then(end(one).cmp(&end(other)))
            });
            ways.truncate(PATHS_MAX);
            prop_assert_eq!(explained.paths.is_empty(), !LED_TO.contains(&reason));
            prop_assert_eq!(explained.paths, ways);
        }
    }

    #[test]
    fn nothing_smaller_would_do(
        (world, subject) in lively(), attributes in world::attributes(),
    ) {
        let built = world.build();
        for asking in all_questions(&attributes) {
            let question = question(&asking);
            let explained = explain(built.view(), subject, question);
            let expected = smallest(&world, &built, subject, question);
            if let Some(missing) = &explained.missing {
                let after = after(&built, missing.remedy.change(subject).unwrap());
                prop_assert!(decide(after.view(), subject, question).allowed);
                prop_assert!(!explained.decision.allowed);
                prop_assert_eq!(missing.added_count, missing.added.len());
            }
            let found = explained.missing.map(|missing| (missing.remedy, missing.added));
            prop_assert_eq!(found, expected);
        }
    }
}

/// Every way to a line that gives the reason, walked over the facts.
fn ways(
    world: &World,
    view: View<'_>,
    subject: Subject,
    question: Question<'_>,
    reason: Reason,
) -> Vec<GrantPath> {
    let mut found = Vec::new();
    if !LED_TO.contains(&reason) {
        return found;
    }
    let mut open: Vec<Vec<Named<GroupId>>> = vec![vec![]];
    while let Some(path) = open.pop() {
        let (holder, member) = match (path.last(), subject) {
            (Some(group), _) => (GrantSubject::Group(group.id), Some(Member::Group(group.id))),
            (None, Subject::User(user)) => (subject.into(), Some(Member::User(user))),
            (None, Subject::Application(_)) => (subject.into(), None),
        };
        for fact in &world.organization {
            if let Fact::Grant {
                subject,
                role,
                until,
                limits,
            } = fact
                && *subject == holder
                && until.is_none_or(|until| until > world.now_s)
            {
                let end = (*role, *until, limits.as_slice());
                found.extend(lines(view, question, reason, end).map(|line| GrantPath {
                    groups: path.clone(),
                    ..line
                }));
            }
        }
        for fact in &world.organization {
            if let Fact::Member {
                group,
                member: inside,
            } = fact
                && Some(*inside) == member
                && !path.iter().any(|entered| entered.id == *group)
                && let Some(entry) = view.organization.group(*group)
            {
                let (name, id) = (entry.name().to_owned(), *group);
                open.push(path.iter().cloned().chain([Named { name, id }]).collect());
            }
        }
    }
    if matches!(subject, Subject::User(_)) {
        for product in view.system.products() {
            for role in product.everyone() {
                let lines = lines(view, question, reason, (*role, None, &[]));
                let own = lines.filter(|line| line.product == product.slug());
                found.extend(own.map(|line| GrantPath {
                    everyone: true,
                    ..line
                }));
            }
        }
    }
    found
}

/// The lines of a granted role that give the reason, without groups.
fn lines<'a>(
    view: View<'a>,
    question: Question<'a>,
    reason: Reason,
    (id, until, limits): (RoleId, Option<i64>, &'a [AttributeLimit]),
) -> impl Iterator<Item = GrantPath> + 'a {
    let role = view.role(id);
    let product = role.and_then(|role| view.system.product(role.product()));
    let probe = Probe::new(question.resource, question.action);
    let product = product.filter(|product| {
        let named = question.product.and_then(|name| view.system.product(name));
        let asked = named.map_or(
            question.product.is_none() && product.declares(&probe),
            |named| named.slug() == product.slug(),
        );
        asked && view.counts(product)
    });
    let lines = role.map(RoleEntry::permissions).unwrap_or_default();
    lines.into_iter().filter_map(move |line| {
        let matches = |pattern: &str, name: &str| pattern == "*" || pattern == name;
        let matching =
            matches(&line.resource, question.resource) && matches(&line.action, question.action);
        let gives = matching && oracle::worth(line.effect, limits, question) == reason;
        let (role, product) = role.zip(product).filter(|_| gives)?;
        let name = role.name().to_owned();
        Some(GrantPath {
            groups: vec![],
            role: Named { name, id },
            everyone: false,
            product: product.slug().to_owned(),
            line,
            until,
            limits: limits.to_vec(),
            unmet: reason == Reason::AttributesUnmet,
        })
    })
}

/// The world after a change.
fn after(built: &Built, change: Change) -> Built {
    let organization = built.organization.apply(2, &[change]);
    let is_system = built.view().is_system();
    let system = if is_system {
        organization.clone()
    } else {
        built.system.clone()
    };
    built.with(system, organization)
}

/// The best of all single changes, found by making each; with what it adds.
fn smallest(
    world: &World,
    built: &Built,
    subject: Subject,
    question: Question<'_>,
) -> Option<(Remedy, Vec<Permission>)> {
    let view = built.view();
    if decide(view, subject, question).allowed {
        return None;
    }
    let is_system = world.id == OrganizationId::new(world::SYSTEM);
    let reachable = |id: &RoleId| {
        let product = view.role(*id).map_or("", RoleEntry::product);
        let slug = view
            .system
            .product(product)
            .map_or(product, ProductEntry::slug);
        is_system || ![product, slug].contains(&PRODUCT_SYSTEM)
    };
    let groups = view.organization.groups().filter(|group| {
        let grants = view
            .organization
            .lineage(group)
            .flat_map(GroupEntry::grants);
        let mut live = grants.filter(|grant| !grant.is_expired(world.now_s));
        matches!(subject, Subject::User(_)) && live.all(|grant| reachable(&grant.role()))
    });
    let groups = groups.map(|group| (Remedy::Group(group.id()), group.name()));
    let shared = view
        .system
        .roles()
        .filter(|(_, role)| is_system || role.is_built_in());
    let own = view
        .organization
        .roles()
        .filter(|(id, _)| view.system.role(*id).is_none());
    let roles = shared.chain(own).filter(|(id, _)| reachable(id));
    let roles = roles.map(|(id, role)| (Remedy::Role(id), role.name()));
    let outcomes = groups.chain(roles).filter_map(|(remedy, name)| {
        let after = after(built, remedy.change(subject)?);
        let allowed = decide(after.view(), subject, question).allowed;
        let added = gained(view, after.view(), subject, question);
        allowed.then_some((
            added.len(),
            matches!(remedy, Remedy::Role(_)),
            name,
            remedy,
            added,
        ))
    });
    outcomes
        .min()
        .map(|(_, _, _, remedy, added)| (remedy, added.into_iter().collect()))
}

/// What is allowed after, and was not before; of the names that somebody spelled out, or asked.
fn gained(
    before: View<'_>,
    after: View<'_>,
    subject: Subject,
    asked: Question<'_>,
) -> BTreeSet<Permission> {
    let mut gained = BTreeSet::new();
    for product in after.system.products() {
        let mut pairs = product.declared();
        after.each_role(subject, product, |holding| {
            let lines = holding.role.permissions().into_iter();
            pairs.extend(lines.map(|line| (line.resource, line.action)));
        });
        pairs.retain(|(resource, action)| resource != "*" && action != "*");
        let named = asked.product.and_then(|name| after.system.product(name));
        if named.is_some_and(|named| named.slug() == product.slug()) {
            pairs.push((asked.resource.into(), asked.action.into()));
        }
        for (resource, action) in pairs {
            let question = Question {
                product: Some(product.slug()),
                resource: &resource,
                action: &action,
                attributes: asked.attributes,
            };
            let may = |view| decide(view, subject, question).allowed;
            if may(after) && !may(before) {
                gained.insert(Permission::new(product.slug(), &resource, &action));
            }
        }
    }
    gained
}
