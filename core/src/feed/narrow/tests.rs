use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::decide::{Question, Subject, decide};
use crate::fact::FactKey;
use crate::fact::{Effect, GrantSubject, Member, RolePermission, Status};
use crate::id::{GroupId, UserId};
use crate::oracle::world::{self, NAMES, PRODUCTS};
use crate::terms::{Attributes, NO_ATTRIBUTES};

const SYSTEM: OrganizationId = OrganizationId::new(Uuid::from_u128(1));
const ACME: OrganizationId = OrganizationId::new(Uuid::from_u128(2));
const GLOBEX: OrganizationId = OrganizationId::new(Uuid::from_u128(3));
const ALICE: UserId = UserId::new(Uuid::from_u128(10));
const GROUP: GroupId = GroupId::new(Uuid::from_u128(20));

fn role_id(number: u128) -> RoleId {
    RoleId::new(Uuid::from_u128(100 + number))
}

fn organization(id: OrganizationId, slug: &str) -> Fact {
    Fact::Organization {
        id,
        slug: slug.to_owned(),
        name: format!("The {slug} company"),
        status: Status::Active,
    }
}

fn product(slug: &str, aliases: &[&str]) -> Fact {
    Fact::Product {
        demands: Vec::new(),
        slug: slug.to_owned(),
        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
        declared: vec![("accounts".to_owned(), "get".to_owned())],
        everyone: Vec::new(),
        routes: vec![],
    }
}

fn role(number: u128, product: &str, effect: Effect) -> Fact {
    Fact::Role {
        id: role_id(number),
        product: product.to_owned(),
        name: format!("role-of-{product}"),
        permissions: vec![RolePermission {
            resource: "accounts".to_owned(),
            action: "*".to_owned(),
            effect,
        }],
        built_in: true,
    }
}

fn grant(subject: GrantSubject, number: u128) -> Fact {
    Fact::Grant {
        subject,
        role: role_id(number),
        until: None,
        limits: Vec::new(),
    }
}

fn system() -> Snapshot {
    let facts = [
        organization(SYSTEM, "system"),
        organization(ACME, "acme"),
        organization(GLOBEX, "globex"),
        product("midaz", &["old-midaz"]),
        product("reporter", &[]),
        role(1, "midaz", Effect::Allow),
        role(2, "reporter", Effect::Allow),
        Fact::User {
            id: UserId::new(Uuid::from_u128(99)),
            username: "root".to_owned(),
            display_name: "Root".to_owned(),
            status: Status::Active,
        },
    ];
    Snapshot::build(SYSTEM, 1, facts)
}

fn acme() -> Vec<Fact> {
    vec![
        organization(ACME, "acme"),
        Fact::User {
            id: ALICE,
            username: "alice".to_owned(),
            display_name: "Alice Liddell".to_owned(),
            status: Status::Active,
        },
        Fact::Group {
            id: GROUP,
            name: "secret-project".to_owned(),
            built_in: false,
        },
        Fact::Member {
            group: GROUP,
            member: Member::User(ALICE),
        },
        grant(GrantSubject::Group(GROUP), 1),
        grant(GrantSubject::User(ALICE), 2),
        role(3, "old-midaz", Effect::Deny),
        role(4, "reporter", Effect::Deny),
        role(5, "not-published-yet", Effect::Deny),
        grant(GrantSubject::User(ALICE), 5),
        grant(GrantSubject::User(ALICE), 77),
    ]
}

fn view<'a>(system: &'a Snapshot, organization: &'a Snapshot) -> View<'a> {
    View {
        system,
        organization,
        single_tenant: false,
        now_s: 0,
    }
}

fn narrowed(facts: Vec<Fact>, narrow: &Narrow<'_>) -> Vec<Fact> {
    let facts = facts.into_iter();
    facts.filter_map(|fact| narrow.fact(fact)).collect()
}

#[test]
fn decisions_about_what_is_served_stay_the_same() {
    let (system, own) = (system(), Snapshot::build(ACME, 1, acme()));
    let products = ["midaz".to_owned()];
    let of_own = Narrow::new(view(&system, &own), &products, Reach::One(ACME));
    let of_system = Narrow::new(view(&system, &system), &products, Reach::One(ACME));
    let small = Snapshot::build(ACME, 1, narrowed(acme(), &of_own));
    let small_system = Snapshot::build(SYSTEM, 1, narrowed(system.facts(), &of_system));
    for name in ["midaz", "old-midaz"] {
        for action in ["get", "put"] {
            let question = Question {
                product: Some(name),
                resource: "accounts",
                action,
                attributes: &NO_ATTRIBUTES,
            };
            let alice = Subject::User(ALICE);
            assert_eq!(
                decide(view(&small_system, &small), alice, question),
                decide(view(&system, &own), alice, question),
            );
        }
    }
}

#[test]
fn names_and_other_products_and_other_organizations_stay_behind() {
    let (system, own) = (system(), Snapshot::build(ACME, 1, acme()));
    let products = ["old-midaz".to_owned()];
    let of_own = Narrow::new(view(&system, &own), &products, Reach::One(ACME));
    let of_system = Narrow::new(view(&system, &system), &products, Reach::One(ACME));
    let told = format!("{:?}", narrowed(acme(), &of_own));
    for kept_back in [
        "Alice",
        "alice",
        "secret-project",
        "company",
        "reporter",
        "role-of",
    ] {
        assert!(!told.contains(kept_back), "{kept_back} is in {told}");
    }
    let told = format!("{:?}", narrowed(system.facts(), &of_system));
    for kept_back in ["globex", "reporter", "Root", "company"] {
        assert!(!told.contains(kept_back), "{kept_back} is in {told}");
    }
    assert!(told.contains("midaz") && told.contains("acme"));
    let everything = Narrow::new(view(&system, &system), &products, Reach::All);
    let told = narrowed(system.facts(), &everything);
    assert!(format!("{told:?}").contains("globex"));
    assert!(told.iter().any(|fact| matches!(fact, Fact::User { .. })));
}

#[test]
fn a_deny_of_a_name_that_may_become_an_alias_is_kept() {
    let (system, own) = (system(), Snapshot::build(ACME, 1, acme()));
    let narrow = Narrow::new(view(&system, &own), &["midaz".to_owned()], Reach::One(ACME));
    let told = narrowed(acme(), &narrow);
    for kept in [3, 5] {
        let found = told
            .iter()
            .any(|fact| matches!(fact, Fact::Role { id, .. } if *id == role_id(kept)));
        assert!(found, "role {kept}");
    }
    // Its grant, and that of a role that is gone.
    for kept in [1, 5, 77] {
        let found = told
            .iter()
            .any(|fact| matches!(fact, Fact::Grant { role, .. } if *role == role_id(kept)));
        assert!(found, "grant of {kept}");
    }
}

#[test]
fn a_change_of_what_is_left_out_is_no_change() {
    let (system, own) = (system(), Snapshot::build(ACME, 1, acme()));
    let narrow = Narrow::new(view(&system, &own), &["midaz".to_owned()], Reach::One(ACME));
    let change = |fact: Fact| Change {
        before: Some(fact),
        after: None,
    };
    let kept = change(grant(GrantSubject::User(ALICE), 1));
    assert_eq!(narrow.change(kept.clone()), Some(kept));
    assert_eq!(
        narrow.change(change(grant(GrantSubject::User(ALICE), 2))),
        None
    );
}

#[test]
fn the_epoch_changes_when_a_name_means_another_product() {
    let system = system();
    let change = |fact: Fact| {
        let change = Change {
            before: None,
            after: Some(fact),
        };
        system.apply(2, &[change])
    };
    let epoch = narrowed_epoch(1, &system);
    assert_ne!(epoch, narrowed_epoch(2, &system));
    assert_eq!(
        epoch,
        narrowed_epoch(1, &change(organization(ACME, "other")))
    );
    let renamed = change(product("reporter", &["midaz-reports"]));
    assert_ne!(epoch, narrowed_epoch(1, &renamed));
}

/// A snapshot of what may leave.
fn small(snapshot: &Snapshot, narrow: &Narrow<'_>) -> Snapshot {
    Snapshot::build(snapshot.id(), 1, narrowed(snapshot.facts(), narrow))
}

/// Asks both about every product that is served, by every name that it has.
fn agree(
    whole: View<'_>,
    part: View<'_>,
    narrow: &Narrow<'_>,
    subject: Subject,
    attributes: &Attributes,
) -> Result<(), TestCaseError> {
    for name in PRODUCTS {
        let product = whole.system.product(name).map(ProductEntry::slug);
        let Some(slug) = product.filter(|slug| narrow.products.contains(slug)) else {
            prop_assert!(part.system.product(name).is_none(), "{} is served", name);
            continue;
        };
        prop_assert_eq!(
            part.system.product(name).map(ProductEntry::slug),
            Some(slug)
        );
        for (resource, action) in NAMES
            .iter()
            .flat_map(|one| NAMES.map(|other| (*one, other)))
        {
            let question = Question {
                product: Some(name),
                resource,
                action,
                attributes,
            };
            let (whole, part) = (
                decide(whole, subject, question),
                decide(part, subject, question),
            );
            prop_assert_eq!(whole, part, "{:?}", question);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_left_out_changes_no_answer(
        world in world::world(),
        subject in world::subject(),
        attributes in world::attributes(),
        served in prop::collection::vec(world::product(), 1..3),
        steps in prop::collection::vec((world::fact(), any::<bool>()), 0..20),
    ) {
        let built = world.build();
        let whole = built.view();
        let reach = Reach::One(world.id);
        let of_system = View { organization: &built.system, ..whole };
        let small_system = small(&built.system, &Narrow::new(of_system, &served, reach));
        let narrow = Narrow::new(whole, &served, reach);
        let small_own = small(&built.organization, &narrow);
        let part = View { system: &small_system, organization: &small_own, ..whole };
        agree(whole, part, &narrow, subject, &attributes)?;

        // The system organization's own steps would change both sides.
        prop_assume!(world.id.uuid() != world::SYSTEM);
        let changes = changes(&built.organization, steps);
        let after = built.organization.apply(2, &changes);
        let whole = View { organization: &after, ..whole };
        let narrow = Narrow::new(whole, &served, reach);
        let told: Vec<Change> = changes
            .into_iter()
            .filter_map(|change| narrow.change(change))
            .collect();
        let small_after = small_own.apply(2, &told);
        let part = View { organization: &small_after, ..part };
        agree(whole, part, &narrow, subject, &attributes)?;
    }
}

/// Steps as an organization takes them: the product of a role never changes.
fn changes(from: &Snapshot, steps: Vec<(Fact, bool)>) -> Vec<Change> {
    let mut products: BTreeMap<RoleId, String> = BTreeMap::new();
    let mut facts: BTreeMap<FactKey, Fact> = BTreeMap::new();
    for fact in from.facts() {
        facts.insert(fact.key(), fact);
    }
    let mut changes = Vec::new();
    for fact in facts
        .values()
        .cloned()
        .chain(steps.iter().map(|(fact, _)| fact.clone()))
    {
        if let Fact::Role { id, product, .. } = fact {
            products.entry(id).or_insert(product);
        }
    }
    for (fact, keep) in steps {
        if let Fact::Role { id, product, .. } = &fact
            && products.get(id) != Some(product)
        {
            continue;
        }
        changes.extend(world::step(&mut facts, fact, keep));
    }
    changes
}
