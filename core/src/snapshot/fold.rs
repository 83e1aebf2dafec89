//! How a fact becomes part of a snapshot, and how it leaves.
//!
//! INVARIANT: what a snapshot says depends on the set of its facts only, never on their order.
//! So an edge whose ends are not known yet is kept, and counts once they are.

use std::sync::Arc;

use super::Snapshot;
use super::entry::{ApplicationEntry, OrganizationEntry};
use super::installation::SigningKeyEntry;
use crate::fact::{Change, Fact, FactKey, GrantSubject, Member, Status};
use crate::id::{GroupId, OrganizationId, RoleId, UserId};
use crate::people::{PeopleBuilder, UserEntry};
use crate::role::RoleEntry;
use crate::terms::{Grants, RoleGrant};

impl Snapshot {
    /// Takes one step.
    pub(super) fn step(&mut self, change: &Change) {
        let after = change.after.as_ref();
        if let Some(before) = change.before.as_ref().map(Fact::key)
            && after.map(Fact::key).as_ref() != Some(&before)
        {
            self.remove(&before);
        }
        if let Some(after) = after {
            self.put(after);
        }
    }

    /// Adds a fact to a snapshot whose people are still being gathered.
    pub(super) fn gather(&mut self, people: &mut PeopleBuilder, fact: &Fact) {
        if let Fact::User {
            id,
            username,
            display_name,
            status,
        } = fact
        {
            people.set(*id, username, display_name, *status);
        } else if let Fact::Member {
            group,
            member: Member::User(user),
        } = fact
        {
            if let Some(slot) = self.groups.slot_for(*group, true) {
                people.join(*user, slot);
            }
        } else if let Fact::Grant {
            subject: GrantSubject::User(user),
            role,
            until,
            limits,
        } = fact
        {
            self.put_user_grant(*user, &RoleGrant::new(*role, *until, limits));
            if let Some(seat) = self.seats.get(*role) {
                people.give(*user, seat);
            }
        } else {
            self.put(fact);
        }
    }

    /// Adds a fact, in place of the one with the same key.
    pub(super) fn put(&mut self, fact: &Fact) {
        match fact {
            Fact::Organization { .. } | Fact::Product { .. } | Fact::SigningKey { .. } => {
                self.put_of_installation(fact);
            }
            Fact::User {
                id,
                username,
                display_name,
                status,
            } => self.people.edit(*id, |person| {
                person.status = Some(*status);
                person.username.clone_from(username);
                person.display_name.clone_from(display_name);
            }),
            Fact::Group { id, name, built_in } => {
                self.groups.set_name(*id, Some((name, *built_in)));
            }
            Fact::Member { group, member } => self.set_member(*group, *member, true),
            Fact::Role {
                id,
                product,
                name,
                permissions,
                built_in,
            } => {
                let role = RoleEntry::new(product, name, *built_in, permissions);
                self.set_role(*id, Some(role));
            }
            Fact::Grant {
                subject,
                role,
                until,
                limits,
            } => self.put_grant(*subject, RoleGrant::new(*role, *until, limits)),
            Fact::Application {
                id,
                name,
                client_id,
                status,
            } => {
                self.applications
                    .edit(*id, |entry| entry.set(name, client_id, *status));
            }
            Fact::Credential { id, application } => {
                self.credentials
                    .edit(*id, |entry| *entry = Some(*application));
            }
            Fact::EndedSession { id, until } => {
                self.ended_sessions.edit(*id, |entry| *entry = Some(*until));
            }
        }
    }

    /// As [`Self::put`], for what only the system organization's snapshot has more than one of.
    fn put_of_installation(&mut self, fact: &Fact) {
        if let Fact::Organization {
            id,
            slug,
            name,
            status,
        } = fact
        {
            let entry = OrganizationEntry::new(slug, name, *status);
            self.set_organization(*id, Some(entry));
        }
        if let Fact::Product {
            slug,
            aliases,
            declared,
            everyone,
            routes,
            demands,
        } = fact
        {
            let installation = Arc::make_mut(&mut self.installation);
            installation.set_product(slug, aliases, declared, everyone, routes);
            installation.set_demands(slug, demands);
            self.stale_roles = true;
        }
        if let Fact::SigningKey {
            kid,
            algorithm,
            jwk,
            signs,
        } = fact
        {
            self.set_key(kid, Some(SigningKeyEntry::new(*algorithm, jwk, *signs)));
        }
    }

    /// Takes a fact away.
    fn remove(&mut self, key: &FactKey) {
        match key {
            FactKey::Organization(id) => self.set_organization(*id, None),
            FactKey::User(id) => self.people.edit(*id, |person| {
                person.status = None;
                person.username.clear();
                person.display_name.clear();
            }),
            FactKey::Group(id) => self.groups.set_name(*id, None),
            FactKey::Member(group, member) => self.set_member(*group, *member, false),
            FactKey::Role(id) => self.set_role(*id, None),
            FactKey::Grant(subject, role) => self.remove_grant(*subject, *role),
            FactKey::Application(id) => self.applications.edit(*id, ApplicationEntry::unset),
            FactKey::Credential(id) => self.credentials.edit(*id, |old| *old = None),
            FactKey::EndedSession(id) => self.ended_sessions.edit(*id, |old| *old = None),
            FactKey::Product(slug) => {
                Arc::make_mut(&mut self.installation).remove_product(slug);
                self.stale_roles = true;
            }
            FactKey::SigningKey(kid) => self.set_key(kid, None),
        }
    }

    fn set_organization(&mut self, id: OrganizationId, entry: Option<OrganizationEntry>) {
        if id == self.organization {
            self.own_status = entry.as_ref().map(|entry| entry.status);
        }
        let suspended = |entry: &Option<OrganizationEntry>| {
            let status = entry.as_ref().map(|entry| entry.status);
            usize::from(status == Some(Status::Suspended))
        };
        let after = suspended(&entry);
        let before = self
            .organizations
            .edit(id, |old| suspended(&std::mem::replace(old, entry)));
        self.suspended = self.suspended + after - before;
    }

    fn set_role(&mut self, id: RoleId, role: Option<RoleEntry>) {
        let role = role.map(Arc::new);
        let before = self
            .roles
            .edit(id, |old| std::mem::replace(old, role.clone()));
        self.index.change(id, before.as_deref(), role.as_deref());
        self.stale_roles = true;
    }

    fn set_key(&mut self, kid: &str, key: Option<SigningKeyEntry>) {
        let keys = &mut Arc::make_mut(&mut self.installation).keys;
        match key {
            Some(key) => keys.insert(kid.into(), key),
            None => keys.remove(kid),
        };
    }

    /// Gives a role to a user, with whom its seat has to be noted.
    fn put_user_grant(&mut self, id: UserId, grant: &RoleGrant) {
        let before = self
            .user_grants
            .edit(id, |grants| grants.put(grant.clone()));
        self.seats.change(before.as_ref(), Some(grant));
    }

    /// Notes with a user which roles she holds herself.
    fn seat_user(&mut self, id: UserId) {
        let grants = self.user_grants.get(&id).map(Grants::as_slice);
        let mut seats: Vec<u32> = self.seats.of(grants.unwrap_or_default()).collect();
        seats.sort_unstable();
        // Looking before changing: a change copies the shard.
        let noted = self.people.get(id).map(UserEntry::seats);
        if noted.unwrap_or_default() != seats {
            self.people.edit(id, |person| person.seats = seats);
        }
    }

    fn set_member(&mut self, group: GroupId, member: Member, inside: bool) {
        match member {
            Member::User(user) => self.set_user_member(group, user, inside),
            Member::Group(child) => self.groups.set_child(group, child, inside),
        }
    }

    fn set_user_member(&mut self, group: GroupId, user: UserId, inside: bool) {
        let Some(slot) = self.groups.slot_for(group, inside) else {
            return;
        };
        let changed = self
            .people
            .edit(user, |person| person.set_group(slot, inside));
        if changed {
            self.groups.count_user(slot, inside);
        }
    }

    fn put_grant(&mut self, subject: GrantSubject, grant: RoleGrant) {
        match subject {
            GrantSubject::User(id) => {
                self.put_user_grant(id, &grant);
                self.seat_user(id);
            }
            GrantSubject::Group(id) => {
                let before = self.groups.put_grant(id, grant.clone());
                self.seats.change(before.as_ref(), Some(&grant));
            }
            GrantSubject::Application(id) => {
                self.applications.edit(id, |entry| entry.grants.put(grant));
            }
        }
    }

    fn remove_grant(&mut self, subject: GrantSubject, role: RoleId) {
        match subject {
            GrantSubject::User(id) => {
                let before = self.user_grants.edit(id, |grants| grants.remove(role));
                self.seats.change(before.as_ref(), None);
                self.seat_user(id);
            }
            GrantSubject::Group(id) => {
                let before = self.groups.remove_grant(id, role);
                self.seats.change(before.as_ref(), None);
            }
            GrantSubject::Application(id) => {
                self.applications
                    .edit(id, |entry| entry.grants.remove(role));
            }
        }
    }
}
