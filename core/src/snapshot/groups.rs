//! The groups of an organization, and which group inherits from which.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::{GroupId, RoleId};
use crate::list;
use crate::seats::{RoleSet, Seats};
use crate::shards::Shards;
use crate::table::Table;
use crate::terms::{Grants, RoleGrant};

/// A group, or the edges of one that is not known yet.
///
/// A group that is not known gives nothing to its members, nor does anything pass through it.
#[derive(Debug, Clone)]
pub struct GroupEntry {
    id: GroupId,
    name: Option<Box<str>>,
    built_in: bool,
    /// Roles given to the group.
    pub(super) grants: Grants,
    /// Those roles, by their seats.
    roles: RoleSet,
    /// Slots of the groups that this group is a direct member of, sorted.
    pub(super) parents: Box<[u32]>,
    /// Slots of the groups that are direct members of this group, sorted.
    children: Box<[u32]>,
    /// Slots of all known groups above, without the group itself, sorted.
    pub(super) ancestors: Box<[u32]>,
    /// Direct members that are users.
    users: u32,
}

impl GroupEntry {
    fn new(id: GroupId) -> Self {
        Self {
            id,
            name: None,
            built_in: false,
            grants: Grants::default(),
            roles: RoleSet::default(),
            parents: Box::default(),
            children: Box::default(),
            ancestors: Box::default(),
            users: 0,
        }
    }

    /// Which group.
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Whether a manifest asked for it.
    pub fn is_built_in(&self) -> bool {
        self.built_in
    }

    /// The roles given to the group itself, sorted by role.
    pub fn grants(&self) -> &[RoleGrant] {
        self.grants.as_slice()
    }

    /// The roles given to the group itself, by their seats.
    pub(crate) fn roles(&self) -> RoleSet {
        self.roles
    }

    /// How many users are direct members, known or not.
    pub fn user_count(&self) -> u32 {
        self.users
    }

    pub(super) fn is_known(&self) -> bool {
        self.name.is_some()
    }

    fn is_vacant(&self) -> bool {
        let edges = self.parents.len() + self.children.len();
        self.name.is_none() && edges == 0 && self.users == 0 && self.grants.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        let slots = self.parents.len() + self.children.len() + self.ancestors.len();
        self.name().len() + self.grants.heap_bytes() + slots * size_of::<u32>()
    }
}

/// All groups of an organization.
///
/// A group has a slot while anything is known of it; users and groups refer to it by that slot,
/// which is a quarter of an id.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    slots: Shards<GroupId, Option<u32>>,
    /// INVARIANT: the entry of a slot in `slots` has that id; every other slot is in `free`.
    entries: Table<GroupEntry>,
    free: Vec<u32>,
    /// By slot, all roles that the members of a group have through it; none while the group is not
    /// known. Most decisions look at nothing else of a group. There are not so many groups that a
    /// change could not copy all of it.
    roles: Arc<Vec<RoleSet>>,
    /// Slots whose roles, and those of their descendants, have to be found again.
    regranted: BTreeSet<u32>,
    /// Slots whose ancestors, and those of their descendants, have to be found again.
    stale: BTreeSet<u32>,
}

impl Groups {
    pub(super) fn slot(&self, id: GroupId) -> Option<u32> {
        self.slots.get(&id).copied().flatten()
    }

    pub(super) fn at(&self, slot: u32) -> Option<&GroupEntry> {
        self.entries.get(slot)
    }

    /// By slot, all roles that the members of a group have through it.
    pub(super) fn all_roles(&self) -> &[RoleSet] {
        &self.roles
    }

    /// All roles that the members of a group have through it.
    pub(super) fn roles(&self, slot: u32) -> RoleSet {
        self.roles.get(slot as usize).copied().unwrap_or_default()
    }

    /// A group with all that is known of it, even if it is not itself known.
    pub(super) fn get(&self, id: GroupId) -> Option<&GroupEntry> {
        self.at(self.slot(id)?)
    }

    /// Every group of which anything is known.
    pub(super) fn iter(&self) -> impl Iterator<Item = &GroupEntry> {
        self.entries.iter().filter(|entry| !entry.is_vacant())
    }

    pub(super) fn bytes(&self) -> usize {
        let heap: usize = self.entries.iter().map(GroupEntry::heap_bytes).sum();
        self.slots.bytes()
            + self.entries.bytes()
            + self.roles.capacity() * size_of::<RoleSet>()
            + self.free.capacity() * size_of::<u32>()
            + heap
    }

    /// Names a group and says whether it is built in, or makes it unknown.
    pub(super) fn set_name(&mut self, id: GroupId, name: Option<(&str, bool)>) {
        let Some(slot) = self.slot_for(id, name.is_some()) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(slot) {
            if entry.is_known() != name.is_some() {
                self.stale.insert(slot);
            }
            entry.name = name.map(|(name, _)| name.into());
            entry.built_in = name.is_some_and(|(_, built_in)| built_in);
        }
        self.release(slot);
    }

    /// Gives a role to a group, or changes the terms of it; what it was is given back.
    pub(super) fn put_grant(&mut self, id: GroupId, grant: RoleGrant) -> Option<RoleGrant> {
        let slot = self.slot_for(id, true)?;
        self.regranted.insert(slot);
        self.entries.get_mut(slot)?.grants.put(grant)
    }

    /// Takes a role back from a group; what it was is given back.
    pub(super) fn remove_grant(&mut self, id: GroupId, role: RoleId) -> Option<RoleGrant> {
        let slot = self.slot(id)?;
        let before = self.entries.get_mut(slot)?.grants.remove(role);
        self.regranted.insert(slot);
        self.release(slot);
        before
    }

    /// Puts a group into another, or takes it out.
    pub(super) fn set_child(&mut self, parent: GroupId, child: GroupId, inside: bool) {
        let (Some(parent), Some(child)) =
            (self.slot_for(parent, inside), self.slot_for(child, inside))
        else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(child) {
            list::set(&mut entry.parents, parent, inside);
        }
        if let Some(entry) = self.entries.get_mut(parent) {
            list::set(&mut entry.children, child, inside);
        }
        self.stale.insert(child);
        self.release(parent);
        self.release(child);
    }

    /// The slot of a group, made when there is none and one is wanted.
    pub(super) fn slot_for(&mut self, id: GroupId, make: bool) -> Option<u32> {
        if let Some(slot) = self.slot(id) {
            return Some(slot);
        }
        if !make {
            return None;
        }
        let slot = self.free.pop();
        let slot = slot.unwrap_or_else(|| {
            Arc::make_mut(&mut self.roles).push(RoleSet::default());
            self.entries.push(GroupEntry::new(id))
        });
        if let Some(entry) = self.entries.get_mut(slot) {
            *entry = GroupEntry::new(id);
        }
        self.slots.edit(id, |entry| *entry = Some(slot));
        Some(slot)
    }

    /// Counts the users of each slot, of whom none was counted before.
    pub(super) fn count_all(&mut self, counts: &[u32]) {
        for (slot, count) in (0..).zip(counts) {
            if let Some(entry) = self.entries.get_mut(slot) {
                entry.users = *count;
            }
        }
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Counts a user in or out.
    pub(super) fn count_user(&mut self, slot: u32, inside: bool) {
        if let Some(entry) = self.entries.get_mut(slot) {
            let count = entry.users;
            entry.users = if inside {
                count.saturating_add(1)
            } else {
                count.saturating_sub(1)
            };
        }
        self.release(slot);
    }

    /// Frees the slot of a group of which nothing is known any more.
    fn release(&mut self, slot: u32) {
        let Some(entry) = self.entries.get(slot).filter(|entry| entry.is_vacant()) else {
            return;
        };
        let id = entry.id;
        if self.slot(id) == Some(slot) {
            self.slots.edit(id, |entry| *entry = None);
            self.free.push(slot);
        }
    }

    /// Finds the ancestors and roles of what changed, and of all below it, again.
    pub(super) fn settle(&mut self, seats: &Seats) {
        let stale = std::mem::take(&mut self.stale);
        let moved = self.reach(stale, |entry| &entry.children, |_| true);
        self.settle_ancestors(&moved);
        let regranted = std::mem::take(&mut self.regranted);
        for slot in &regranted {
            if let Some(entry) = self.entries.get_mut(*slot) {
                entry.roles = seats.of(entry.grants.as_slice()).collect();
            }
        }
        let regranted = self.reach(regranted, |entry| &entry.children, |_| true);
        for slot in moved.union(&regranted) {
            let above = |entry: &GroupEntry| {
                let ancestors = entry.ancestors.iter().filter_map(|slot| self.at(*slot));
                ancestors.fold(entry.roles, |roles, above| roles | above.roles)
            };
            let known = self.at(*slot).filter(|entry| entry.is_known());
            let roles = known.map(above).unwrap_or_default();
            if self.roles(*slot) != roles
                && let Some(old) = Arc::make_mut(&mut self.roles).get_mut(*slot as usize)
            {
                *old = roles;
            }
        }
    }

    fn settle_ancestors(&mut self, moved: &BTreeSet<u32>) {
        for slot in moved.iter().copied() {
            let parents = self
                .at(slot)
                .map(|entry| entry.parents.to_vec())
                .unwrap_or_default();
            let mut above = self.reach(parents, |entry| &entry.parents, GroupEntry::is_known);
            above.remove(&slot);
            let above: Box<[u32]> = above.into_iter().collect();
            let old = self.at(slot).map(|entry| &entry.ancestors);
            // Looking before changing: a change copies the chunk.
            if old.is_some_and(|old| *old != above)
                && let Some(entry) = self.entries.get_mut(slot)
            {
                entry.ancestors = above;
            }
        }
    }

    /// All slots that can be reached, the first ones included, over entries that may be entered.
    fn reach(
        &self,
        from: impl IntoIterator<Item = u32>,
        next: impl Fn(&GroupEntry) -> &[u32],
        enter: impl Fn(&GroupEntry) -> bool,
    ) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut open: Vec<u32> = from.into_iter().collect();
        while let Some(slot) = open.pop() {
            if let Some(entry) = self.at(slot).filter(|entry| enter(entry))
                && found.insert(slot)
            {
                open.extend_from_slice(next(entry));
            }
        }
        found
    }
}
