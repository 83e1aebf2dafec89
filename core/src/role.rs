//! A role, compiled: one hash look-up says what it thinks of a permission.

use std::ops::BitOr;

use hashbrown::HashTable;

use crate::fact::{Effect, RolePermission};
use crate::hash::{hash_of_name, join};

/// Stands for every resource or every action, on the policy side only.
pub(crate) const ANY: &str = "*";

/// A role of a product: its name, and what it allows and denies.
#[derive(Debug, Clone)]
pub struct RoleEntry {
    product: Box<str>,
    name: Box<str>,
    built_in: bool,
    pub(crate) permissions: PermissionSet,
}

impl RoleEntry {
    /// Compiles a role.
    pub(crate) fn new(
        product: &str,
        name: &str,
        built_in: bool,
        permissions: &[RolePermission],
    ) -> Self {
        let permissions = PermissionSet::new(permissions);
        Self {
            product: product.into(),
            name: name.into(),
            built_in,
            permissions,
        }
    }

    /// The product that it belongs to.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a manifest's, and so every organization's.
    pub fn is_built_in(&self) -> bool {
        self.built_in
    }

    /// What it allows and denies, sorted.
    pub fn permissions(&self) -> Vec<RolePermission> {
        self.permissions.to_sorted()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.product.len() + self.name.len() + self.permissions.heap_bytes()
    }
}

/// Which effects hold: allow, deny, both or neither; and whether an allow holds elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effects(u8);

impl Effects {
    pub(crate) const ALLOW: Self = Self(1);
    pub(crate) const DENY: Self = Self(2);
    /// An allow that does not count for the attributes of the question.
    const ELSEWHERE: Self = Self(4);

    pub(crate) const fn allows(self) -> bool {
        self.0 & Self::ALLOW.0 != 0
    }

    pub(crate) const fn denies(self) -> bool {
        self.0 & Self::DENY.0 != 0
    }

    pub(crate) const fn allows_elsewhere(self) -> bool {
        self.0 & Self::ELSEWHERE.0 != 0
    }

    /// The same, but the allow is for other attributes.
    pub(crate) const fn elsewhere(self) -> Self {
        if self.allows() {
            Self(self.0 & !Self::ALLOW.0 | Self::ELSEWHERE.0)
        } else {
            self
        }
    }

    /// The same without the deny.
    pub(crate) const fn without_deny(self) -> Self {
        Self(self.0 & !Self::DENY.0)
    }

    /// Whether any of them holds.
    pub(crate) const fn is_any(self) -> bool {
        self.0 != 0
    }

    /// The effects that hold, one by one.
    fn each(self) -> impl Iterator<Item = Effect> {
        let allow = self.allows().then_some(Effect::Allow);
        allow
            .into_iter()
            .chain(self.denies().then_some(Effect::Deny))
    }
}

impl From<Effect> for Effects {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::ALLOW,
            Effect::Deny => Self::DENY,
        }
    }
}

impl BitOr for Effects {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A question's resource and action, hashed once for all that is asked about them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe<'a> {
    pub(crate) resource: &'a str,
    pub(crate) action: &'a str,
    resource_hash: u64,
    action_hash: u64,
    hash: u64,
}

impl<'a> Probe<'a> {
    pub(crate) fn new(resource: &'a str, action: &'a str) -> Self {
        Self::join(resource, action, hash_name(resource), hash_name(action))
    }

    /// The same resource with any action, as a role writes it.
    pub(crate) fn any_action(&self) -> Self {
        Self::join(self.resource, ANY, self.resource_hash, ANY_HASH)
    }

    /// The same action on any resource, as a role writes it.
    pub(crate) fn any_resource(&self) -> Self {
        Self::join(ANY, self.action, ANY_HASH, self.action_hash)
    }

    /// The hash of both names.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The hash of the resource.
    pub(crate) fn resource_hash(&self) -> u64 {
        self.resource_hash
    }

    /// The hash of the action.
    pub(crate) fn action_hash(&self) -> u64 {
        self.action_hash
    }

    fn join(resource: &'a str, action: &'a str, resource_hash: u64, action_hash: u64) -> Self {
        Self {
            resource,
            action,
            resource_hash,
            action_hash,
            hash: join(resource_hash, action_hash),
        }
    }
}

/// Names are hashed by the secret seed; the wildcard need not be.
const ANY_HASH: u64 = 0x2a2a_2a2a_2a2a_2a2a;

fn hash_name(name: &str) -> u64 {
    if name == ANY {
        ANY_HASH
    } else {
        hash_of_name(name)
    }
}

/// A resource and an action with their effects.
#[derive(Debug, Clone)]
struct Line {
    resource: Box<str>,
    action: Box<str>,
    effects: Effects,
}

/// A set of (resource, action) pairs with their effects.
#[derive(Debug, Clone, Default)]
pub(crate) struct PermissionSet {
    lines: HashTable<Line>,
    /// Whether there is a line for one resource and any action, so that looking is worth it.
    has_any_action: bool,
    /// Whether there is a line for any resource and one action.
    has_any_resource: bool,
    /// The effects of any action on any resource.
    everywhere: Effects,
}

impl PermissionSet {
    /// Compiles a list; what is listed twice counts once.
    pub(crate) fn new(permissions: &[RolePermission]) -> Self {
        let mut set = Self {
            lines: HashTable::with_capacity(permissions.len()),
            ..Self::default()
        };
        for permission in permissions {
            set.insert(&permission.resource, &permission.action, permission.effect);
        }
        set
    }

    /// Adds a line.
    pub(crate) fn insert(&mut self, resource: &str, action: &str, effect: Effect) {
        match (resource == ANY, action == ANY) {
            (true, true) => self.everywhere = self.everywhere | effect.into(),
            (true, false) => self.has_any_resource = true,
            (false, true) => self.has_any_action = true,
            (false, false) => {}
        }
        let same = |line: &Line| *line.resource == *resource && *line.action == *action;
        let rehash = |line: &Line| Probe::new(&line.resource, &line.action).hash;
        let new = || Line {
            resource: resource.into(),
            action: action.into(),
            effects: Effects::default(),
        };
        let mut entry = self
            .lines
            .entry(Probe::new(resource, action).hash, same, rehash)
            .or_insert_with(new);
        let line = entry.get_mut();
        line.effects = line.effects | effect.into();
    }

    /// What the set thinks of a question, wildcards included.
    pub(crate) fn effects(&self, probe: &Probe<'_>) -> Effects {
        let mut effects = self.everywhere | self.exact(probe);
        if self.has_any_action {
            effects = effects | self.exact(&probe.any_action());
        }
        if self.has_any_resource {
            effects = effects | self.exact(&probe.any_resource());
        }
        effects
    }

    /// The effects of the line that is written just like this.
    pub(crate) fn exact(&self, probe: &Probe<'_>) -> Effects {
        let same = |line: &Line| *line.resource == *probe.resource && *line.action == *probe.action;
        self.lines
            .find(probe.hash, same)
            .map(|line| line.effects)
            .unwrap_or_default()
    }

    /// How many (resource, action) pairs there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Every line, in no order: resource, action, effects.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, Effects)> {
        self.lines
            .iter()
            .map(|line| (&*line.resource, &*line.action, line.effects))
    }

    /// Every line as it would be asked for, in no order.
    pub(crate) fn probes(&self) -> impl Iterator<Item = (Probe<'_>, Effects)> {
        self.iter()
            .map(|(resource, action, effects)| (Probe::new(resource, action), effects))
    }

    /// Every line, sorted.
    pub(crate) fn to_sorted(&self) -> Vec<RolePermission> {
        let mut permissions: Vec<RolePermission> = self
            .iter()
            .flat_map(|(resource, action, effects)| {
                effects.each().map(move |effect| RolePermission {
                    resource: resource.into(),
                    action: action.into(),
                    effect,
                })
            })
            .collect();
        permissions.sort_unstable();
        permissions
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let texts: usize = self
            .lines
            .iter()
            .map(|line| line.resource.len() + line.action.len())
            .sum();
        self.lines.allocation_size() + texts
    }
}
