//! The other way round: from a permission to the few roles that say something about it.
//!
//! A decision looks a question up once, instead of in each role that its subject holds, and then
//! only has to find out which of those roles the subject holds.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::hash::{Key, hash_of_name};
use crate::id::RoleId;
use crate::role::{ANY, Effects, Probe, RoleEntry};
use crate::shards::{Entry, Shards};

/// Up to so many roles, going through them all is faster than through what somebody holds.
const FEW: usize = 32;

/// What a role says about something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaker {
    /// Which role.
    pub(crate) role: RoleId,
    /// The hash of its id, for whoever looks it up.
    pub(crate) hash: u64,
    /// What it says.
    pub(crate) effects: Effects,
}

/// The roles that say something about one pair of resource and action, as it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Speakers {
    /// Sorted by role.
    roles: Arc<Vec<Speaker>>,
}

impl Speakers {
    /// Every role, when they are few enough to go through them all.
    pub(crate) fn few(&self) -> Option<&[Speaker]> {
        (self.roles.len() <= FEW).then_some(&**self.roles)
    }

    /// What a role says.
    pub(crate) fn find(&self, role: RoleId) -> Option<Effects> {
        let position = self
            .roles
            .binary_search_by_key(&role, |speaker| speaker.role);
        let speaker = self.roles.get(position.ok()?);
        speaker.map(|speaker| speaker.effects)
    }

    /// Sets what a role says; nothing when it does not speak of this any more.
    fn set(&mut self, role: RoleId, effects: Effects) {
        let roles = Arc::make_mut(&mut self.roles);
        let position = roles.binary_search_by_key(&role, |speaker| speaker.role);
        match position {
            Err(_) if !effects.is_any() => {}
            Err(position) => {
                let hash = role.hash();
                let speaker = Speaker {
                    role,
                    hash,
                    effects,
                };
                roles.insert(position, speaker);
            }
            Ok(position) if !effects.is_any() => {
                roles.remove(position);
            }
            Ok(position) => {
                if let Some(speaker) = roles.get_mut(position) {
                    speaker.effects = effects;
                }
            }
        }
    }
}

/// Whose role speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The installation's.
    System,
    /// The organization's own.
    Organization,
}

impl Entry for Speakers {
    fn is_vacant(&self) -> bool {
        self.roles.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        // The list, its counts, and near enough the names of the pair.
        self.roles.capacity() * size_of::<Speaker>() + 11 * size_of::<usize>()
    }
}

/// A resource and an action, hashed as a [`Probe`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    /// Both behind each other, shared by all copies.
    names: Arc<str>,
    /// Where the action begins.
    resource_bytes: usize,
    hash: u64,
}

impl Pair {
    fn new(probe: &Probe<'_>) -> Self {
        Self {
            names: [probe.resource, probe.action].concat().into(),
            resource_bytes: probe.resource.len(),
            hash: probe.hash(),
        }
    }

    fn is(&self, probe: &Probe<'_>) -> bool {
        let names = self.names.as_bytes();
        self.hash == probe.hash()
            && names.split_at_checked(self.resource_bytes)
                == Some((probe.resource.as_bytes(), probe.action.as_bytes()))
    }
}

impl Key for Pair {
    fn hash(&self) -> u64 {
        self.hash
    }
}

/// A resource or an action, with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    text: Arc<str>,
    hash: u64,
}

impl Key for Name {
    fn hash(&self) -> u64 {
        self.hash
    }
}

/// What the roles of one product speak of.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProductIndex {
    /// Lines without a wildcard.
    pairs: Shards<Pair, Speakers>,
    /// By resource, lines of any action on it.
    resources: Shards<Name, Speakers>,
    /// By action, lines of any resource.
    actions: Shards<Name, Speakers>,
    /// Lines of everything.
    everywhere: Speakers,
}

impl ProductIndex {
    fn set(&mut self, probe: &Probe<'_>, role: RoleId, effects: Effects) {
        let set = |speakers: &mut Speakers| speakers.set(role, effects);
        let name = |text: &str, hash| Name {
            text: text.into(),
            hash,
        };
        match (probe.resource == ANY, probe.action == ANY) {
            (true, true) => set(&mut self.everywhere),
            (true, false) => {
                let action = name(probe.action, probe.action_hash());
                self.actions.edit(action, set);
            }
            (false, true) => {
                let resource = name(probe.resource, probe.resource_hash());
                self.resources.edit(resource, set);
            }
            (false, false) => self.pairs.edit(Pair::new(probe), set),
        }
    }

    fn is_empty(&self) -> bool {
        let patterns = self.resources.is_empty() && self.actions.is_empty();
        patterns && self.pairs.is_empty() && self.everywhere.is_vacant()
    }

    /// Visits everybody who speaks of a question, wildcards included.
    pub(crate) fn each<'a>(&'a self, probe: &Probe<'_>, mut visit: impl FnMut(&'a Speakers)) {
        if let Some(speakers) = self.pairs.find(probe.hash(), |pair| pair.is(probe)) {
            visit(speakers);
        }
        let is = |name: &Name, text: &str| *name.text == *text;
        if !self.resources.is_empty() {
            let hash = probe.resource_hash();
            let found = self.resources.find(hash, |name| is(name, probe.resource));
            if let Some(speakers) = found {
                visit(speakers);
            }
        }
        if !self.actions.is_empty() {
            let hash = probe.action_hash();
            let found = self.actions.find(hash, |name| is(name, probe.action));
            if let Some(speakers) = found {
                visit(speakers);
            }
        }
        if !self.everywhere.is_vacant() {
            visit(&self.everywhere);
        }
    }

    fn bytes(&self) -> usize {
        let names = self.resources.bytes() + self.actions.bytes();
        size_of::<Self>() + self.pairs.bytes() + names + self.everywhere.heap_bytes()
    }
}

/// Everything that the roles of a snapshot speak of, by product.
#[derive(Debug, Clone, Default)]
pub(crate) struct PermissionIndex {
    /// By the product as the roles name it, be it by an alias.
    products: HashTable<(Box<str>, Arc<ProductIndex>)>,
    /// The bits of those names: most aliases are no role's.
    bits: u64,
}

impl PermissionIndex {
    /// Takes a role from what it was to what it is.
    pub(crate) fn change(
        &mut self,
        id: RoleId,
        before: Option<&RoleEntry>,
        after: Option<&RoleEntry>,
    ) {
        if let Some(before) = before {
            let same = after.filter(|after| after.product() == before.product());
            let gone = before.permissions.probes().filter(|(probe, _)| {
                same.is_none_or(|after| !after.permissions.exact(probe).is_any())
            });
            self.write(
                before.product(),
                id,
                gone.map(|(probe, _)| (probe, Effects::default())),
            );
        }
        if let Some(after) = after {
            let same = before.filter(|before| after.product() == before.product());
            let new = after.permissions.probes().filter(|(probe, effects)| {
                same.is_none_or(|before| before.permissions.exact(probe) != *effects)
            });
            self.write(after.product(), id, new);
        }
    }

    fn write<'a>(
        &mut self,
        product: &str,
        id: RoleId,
        lines: impl Iterator<Item = (Probe<'a>, Effects)>,
    ) {
        let mut lines = lines.peekable();
        if lines.peek().is_none() {
            return;
        }
        let rehash = |(name, _): &(Box<str>, _)| hash_of_name(name);
        let mut entry = self
            .products
            .entry(
                hash_of_name(product),
                |(name, _)| **name == *product,
                rehash,
            )
            .or_insert_with(|| (product.into(), Arc::default()));
        let index = Arc::make_mut(&mut entry.get_mut().1);
        for (probe, effects) in lines {
            index.set(&probe, id, effects);
        }
        if index.is_empty() {
            entry.remove();
        }
        let names = self.products.iter();
        self.bits = names.fold(0, |bits, (name, _)| bits | ProductName::new(name).bit);
    }

    /// What roles say of a product under this name of it, if they say anything.
    pub(crate) fn of(&self, product: &ProductName) -> Option<&Arc<ProductIndex>> {
        let may = self.bits & product.bit != 0;
        let is = |(name, _): &(Box<str>, _)| *name == product.name;
        let found = may.then(|| self.products.find(product.hash, is));
        found.flatten().map(|(_, index)| index)
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let products = self.products.iter();
        let indexes: usize = products
            .map(|(name, index)| name.len() + index.bytes())
            .sum();
        self.products.allocation_size() + indexes
    }
}

/// A name of a product, hashed once.
#[derive(Debug, Clone)]
pub(crate) struct ProductName {
    name: Box<str>,
    hash: u64,
    /// A bit that it shares with one in 64 other names.
    bit: u64,
}

impl ProductName {
    pub(crate) fn new(name: &str) -> Self {
        let hash = hash_of_name(name);
        Self {
            name: name.into(),
            hash,
            bit: 1 << (hash >> 58),
        }
    }
}

#[cfg(test)]
mod tests;
