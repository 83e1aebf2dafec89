use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fact::{Effect, RolePermission};
use crate::oracle::world::{NAMES, permissions, product};

fn id(number: u128) -> RoleId {
    RoleId::new(Uuid::from_u128(number))
}

fn said(index: &PermissionIndex, product: &str, probe: &Probe<'_>) -> BTreeMap<RoleId, Effects> {
    let mut said: BTreeMap<RoleId, Effects> = BTreeMap::new();
    let Some(index) = index.of(&ProductName::new(product)) else {
        return said;
    };
    index.each(probe, |speakers| {
        for speaker in speakers.roles.iter() {
            assert_eq!(speaker.hash, speaker.role.hash());
            let known = said.entry(speaker.role).or_default();
            *known = *known | speaker.effects;
        }
    });
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// After any changes, the index says of every question what the roles say themselves.
    #[test]
    fn says_what_the_roles_say(
        steps in prop::collection::vec(
            (0..6_u128, prop::option::of((product(), permissions()))), 0..40,
        ),
    ) {
        let mut index = PermissionIndex::default();
        let mut roles: BTreeMap<RoleId, RoleEntry> = BTreeMap::new();
        for (role, entry) in steps {
            let role = id(role);
            let entry = entry.map(|(product, lines)| RoleEntry::new(&product, "r", false, &lines));
            let before = roles.remove(&role);
            index.change(role, before.as_ref(), entry.as_ref());
            roles.extend(entry.map(|entry| (role, entry)));
        }
        for product in crate::oracle::world::PRODUCTS {
            for (resource, action) in NAMES.iter().flat_map(|a| NAMES.map(|b| (*a, b))) {
                let probe = Probe::new(resource, action);
                let of_product = roles.iter().filter(|(_, role)| role.product() == product);
                let expected: BTreeMap<RoleId, Effects> = of_product
                    .map(|(id, role)| (*id, role.permissions.effects(&probe)))
                    .filter(|(_, effects)| effects.is_any())
                    .collect();
                prop_assert_eq!(said(&index, product, &probe), expected);
            }
        }
        for (role, entry) in &roles {
            index.change(*role, Some(entry), None);
        }
        prop_assert!(index.products.is_empty());
    }
}

fn large(number: u128, lines: usize) -> RoleEntry {
    let line = |line| RolePermission {
        resource: format!("resource-{}-{}", number % 7, line / 5),
        action: format!("action-{}", line % 5),
        effect: Effect::Allow,
    };
    let lines: Vec<RolePermission> = (0..lines).map(line).collect();
    RoleEntry::new("p", "r", false, &lines)
}

#[test]
fn a_line_of_a_large_role_is_a_small_change() {
    let mut index = PermissionIndex::default();
    let role = large(0, 100_000);
    index.change(id(0), None, Some(&role));
    let mut lines = role.permissions();
    lines.pop();
    let smaller = RoleEntry::new("p", "r", false, &lines);
    let before = index.clone();
    index.change(id(0), Some(&role), Some(&smaller));
    let shards = |index: &PermissionIndex| {
        let (_, product) = index.products.iter().next().unwrap();
        product.pairs.clone()
    };
    assert_eq!(shards(&index).copied_from(&shards(&before)), 1);
    assert_eq!(shards(&index).len(), 99_999);
}

#[test]
fn a_thousand_roles_that_say_the_same() {
    let mut index = PermissionIndex::default();
    for number in 0..1_000 {
        index.change(id(number), None, Some(&large(0, 20)));
    }
    let probe = Probe::new("resource-0-0", "action-0");
    assert_eq!(said(&index, "p", &probe).len(), 1_000);
    let index = index.of(&ProductName::new("p")).unwrap();
    index.each(&probe, |speakers| {
        assert!(speakers.few().is_none());
        assert!(speakers.find(id(7)).is_some() && speakers.find(id(5_000)).is_none());
    });
}
