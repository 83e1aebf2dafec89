//! The other way round: from a permission to the few roles that say something about it.
//!
//! A decision looks a question up once, instead of in each role that its subject holds, and then
//! only has to find out which of those roles the subject holds.

use std::ops::ControlFlow;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::hash::{Key, hash_of};
use crate::id::RoleId;
use crate::role::{ANY, Effects, Probe, RoleEntry};
use crate::shards::{Entry, Shards};
use crate::terms::RoleGrant;

/// Up to so many, going through them all is faster than searching.
const FEW: usize = 8;
/// Patterns of a chorus: the four that match a question, of either snapshot.
const CHORUS_MAX: usize = 8;

/// A bit that a role shares with one in 128 others: who has none of the bits has none of the roles.
pub(crate) fn role_bit(role: RoleId) -> u128 {
    1 << (role.hash() >> 57)
}

/// The roles that say something about one pair of resource and action, as it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Speakers {
    /// The bits of all these roles.
    bits: u128,
    /// Whether any of them denies it.
    denies: bool,
    /// Sorted by role.
    roles: Arc<Vec<(RoleId, Effects)>>,
}

impl Speakers {
    /// What a role says.
    fn find(&self, role: RoleId) -> Option<Effects> {
        let roles = &**self.roles;
        let found = if roles.len() <= FEW {
            roles.iter().find(|(other, _)| *other == role)
        } else {
            let position = roles.binary_search_by_key(&role, |(other, _)| *other);
            roles.get(position.ok()?)
        };
        found.map(|(_, effects)| *effects)
    }

    /// Visits the grants, sorted by role, whose role says something, until told to stop.
    fn among(
        &self,
        grants: &[RoleGrant],
        mut visit: impl FnMut(&RoleGrant, Effects) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if grants.len() <= self.roles.len() {
            for grant in grants {
                if let Some(effects) = self.find(grant.role()) {
                    visit(grant, effects)?;
                }
            }
        } else {
            for (role, effects) in self.roles.iter() {
                let position = grants.binary_search_by_key(role, RoleGrant::role);
                if let Some(grant) = position.ok().and_then(|position| grants.get(position)) {
                    visit(grant, *effects)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Sets what a role says; nothing when it does not speak of this any more.
    fn set(&mut self, role: RoleId, effects: Effects) {
        let roles = Arc::make_mut(&mut self.roles);
        let position = roles.binary_search_by_key(&role, |(role, _)| *role);
        match position {
            Err(_) if !effects.is_any() => return,
            Err(position) => {
                roles.insert(position, (role, effects));
                self.bits |= role_bit(role);
                self.denies |= effects.denies();
                return;
            }
            Ok(position) if !effects.is_any() => {
                roles.remove(position);
            }
            Ok(position) => {
                if let Some((_, old)) = roles.get_mut(position) {
                    *old = effects;
                }
            }
        }
        let roles = roles.iter();
        self.denies = roles.clone().any(|(_, effects)| effects.denies());
        self.bits = roles.fold(0, |bits, (role, _)| bits | role_bit(*role));
    }
}

/// Everybody who speaks of a question: those of one or a few patterns, of either snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chorus<'a> {
    all: [Option<(&'a Speakers, Origin)>; CHORUS_MAX],
    len: usize,
    bits: u128,
    denies: bool,
}

/// Whose role speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The installation's.
    System,
    /// The organization's own.
    Organization,
}

impl<'a> Chorus<'a> {
    /// Adds speakers; false when there is no room.
    pub(crate) fn add(&mut self, speakers: &'a Speakers, origin: Origin) -> bool {
        let Some(place) = self.all.get_mut(self.len) else {
            return false;
        };
        *place = Some((speakers, origin));
        self.len += 1;
        self.bits |= speakers.bits;
        self.denies |= speakers.denies;
        true
    }

    /// The bits of all the roles.
    pub(crate) fn bits(&self) -> u128 {
        self.bits
    }

    /// Whether any of them denies it.
    pub(crate) fn denies(&self) -> bool {
        self.denies
    }

    /// Nobody speaks.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Visits the grants whose role speaks, until told to stop. They are sorted by role, and have
    /// these bits.
    pub(crate) fn among(
        &self,
        grants: &[RoleGrant],
        bits: u128,
        mut visit: impl FnMut(&RoleGrant, Effects, Origin) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if grants.is_empty() {
            return ControlFlow::Continue(());
        }
        for (speakers, origin) in self.all.iter().map_while(Option::as_ref) {
            if speakers.bits & bits != 0 {
                speakers.among(grants, |grant, said| visit(grant, said, *origin))?;
            }
        }
        ControlFlow::Continue(())
    }
}

impl Entry for Speakers {
    fn is_vacant(&self) -> bool {
        self.roles.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        // The list, its counts, and near enough the names of the pair.
        self.roles.capacity() * size_of::<(RoleId, Effects)>() + 11 * size_of::<usize>()
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

/// What the roles of one product speak of.
#[derive(Debug, Clone, Default)]
struct ProductIndex {
    pairs: Shards<Pair, Speakers>,
    /// How many pairs have a wildcard for the resource or the action: where there are none, nobody
    /// has to look.
    any_resource: usize,
    any_action: usize,
    /// Who speaks of everything.
    everywhere: Speakers,
}

impl ProductIndex {
    fn set(&mut self, probe: &Probe<'_>, role: RoleId, effects: Effects) {
        if probe.resource == ANY && probe.action == ANY {
            return self.everywhere.set(role, effects);
        }
        let before = self.pairs.len();
        self.pairs
            .edit(Pair::new(probe), |speakers| speakers.set(role, effects));
        let count = if probe.resource == ANY {
            &mut self.any_resource
        } else if probe.action == ANY {
            &mut self.any_action
        } else {
            return;
        };
        *count = *count + self.pairs.len() - before;
    }

    fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.everywhere.is_vacant()
    }

    /// Visits everybody who speaks of a question, wildcards included.
    fn each<'a>(&'a self, probe: &Probe<'_>, mut visit: impl FnMut(&'a Speakers)) {
        let mut look = |probe: &Probe<'_>| {
            let found = self.pairs.find(probe.hash(), |pair| pair.is(probe));
            if let Some(speakers) = found {
                visit(speakers);
            }
        };
        look(probe);
        if self.any_action > 0 {
            look(&probe.any_action());
        }
        if self.any_resource > 0 {
            look(&probe.any_resource());
        }
        if !self.everywhere.is_vacant() {
            visit(&self.everywhere);
        }
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
        let rehash = |(name, _): &(Box<str>, _)| hash_of(&**name);
        let mut entry = self
            .products
            .entry(hash_of(product), |(name, _)| **name == *product, rehash)
            .or_insert_with(|| (product.into(), Arc::default()));
        let index = Arc::make_mut(&mut entry.get_mut().1);
        for (probe, effects) in lines {
            index.set(&probe, id, effects);
        }
        if index.is_empty() {
            entry.remove();
        }
        let names = self.products.iter();
        self.bits = names.fold(0, |bits, (name, _)| bits | ProductName::new(name).bit());
    }

    /// Visits everybody who speaks of a question under this name of a product.
    pub(crate) fn each<'a>(
        &'a self,
        product: &ProductName,
        probe: &Probe<'_>,
        visit: impl FnMut(&'a Speakers),
    ) {
        if self.bits & product.bit() == 0 {
            return;
        }
        let found = self
            .products
            .find(product.hash, |(name, _)| *name == product.name);
        if let Some((_, index)) = found {
            index.each(probe, visit);
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let products = self.products.iter();
        let indexes: usize = products
            .map(|(name, index)| {
                name.len()
                    + size_of::<ProductIndex>()
                    + index.pairs.bytes()
                    + index.everywhere.heap_bytes()
            })
            .sum();
        self.products.allocation_size() + indexes
    }
}

/// A name of a product, hashed once.
#[derive(Debug, Clone)]
pub(crate) struct ProductName {
    name: Box<str>,
    hash: u64,
}

impl ProductName {
    /// A bit that it shares with one in 64 other names.
    fn bit(&self) -> u64 {
        1 << (self.hash >> 58)
    }

    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            hash: hash_of(name),
        }
    }
}

#[cfg(test)]
mod tests;
