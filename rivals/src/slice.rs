//! What of an organization matters to one question: all that the others are given.

use std::collections::BTreeMap;

use gatepost_core::{Fact, RoleId, RolePermission};
use gatepost_rivals::Policy;

use crate::dataset::{self, Ask, GROUPS_EACH, Shape};

/// How much of an organization matters to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// All lines of the user's roles in the product.
    Product,
    /// Of those, only the lines that match the question.
    Lines,
}

/// The roles that can be held, by id: product and lines.
pub struct Roles(BTreeMap<RoleId, (String, Vec<RolePermission>)>);

impl Roles {
    /// Those of the first organization.
    pub fn new() -> Self {
        let roles = dataset::roles(0).filter_map(|fact| {
            if let Fact::Role {
                id,
                product,
                permissions,
                ..
            } = fact
            {
                Some((id, (product, permissions)))
            } else {
                None
            }
        });
        Self(roles.collect())
    }

    /// The user, her groups, and lines of her roles.
    pub fn matching(&self, slice: Slice, shape: Shape, ask: &Ask) -> Policy {
        let mut policy = Policy {
            users: vec!["user".to_owned()],
            ..Policy::default()
        };
        let mut groups = Vec::new();
        for place in 0..GROUPS_EACH {
            let group = dataset::group_of(0, shape, ask.number, place);
            policy.members.push(("user".to_owned(), name(group)));
            groups.push(group);
            if let Some(parent) = dataset::parent_of(group) {
                policy.members.push((name(group), name(parent)));
                groups.push(parent);
            }
        }
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            for number in 0..shape.grants_each {
                if let Fact::Grant { role, .. } = dataset::group_grant(0, shape, group, number) {
                    self.give(slice, &mut policy, &name(group), role, ask);
                }
            }
        }
        if shape.direct_every != 0 && ask.number.is_multiple_of(shape.direct_every) {
            self.give(
                slice,
                &mut policy,
                "user",
                dataset::direct_role(0, ask.number),
                ask,
            );
        }
        policy.lines.sort();
        policy.lines.dedup();
        policy
    }

    fn give(&self, slice: Slice, policy: &mut Policy, holder: &str, role: RoleId, ask: &Ask) {
        let Some((product, lines)) = self.0.get(&role) else {
            return;
        };
        let covers = |pattern: &str, name: &str| pattern == "*" || pattern == name;
        let matching = lines.iter().filter(|line| {
            let matches = covers(&line.resource, &ask.resource) && covers(&line.action, ask.action);
            *product == ask.product && (slice == Slice::Product || matches)
        });
        let name = role.to_string();
        let before = policy.lines.len();
        policy
            .lines
            .extend(matching.map(|line| (name.clone(), line.clone())));
        if policy.lines.len() > before {
            policy.grants.push((holder.to_owned(), name));
        }
    }
}

fn name(group: u64) -> String {
    format!("group-{group}")
}
