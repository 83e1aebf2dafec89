//! How a fact becomes part of a snapshot, and how it leaves.
//!
//! INVARIANT: what a snapshot says depends on the set of its facts only, never on their order.
//! So an edge whose ends are not known yet is kept, and counts once they are.

use std::sync::Arc;

use super::Snapshot;
use super::entry::{ApplicationEntry, OrganizationEntry, UserEntry};
use super::installation::SigningKeyEntry;
use crate::fact::{Change, Fact, FactKey, GrantSubject, Member};
use crate::id::{GroupId, RoleId, UserId};
use crate::list;
use crate::role::RoleEntry;
use crate::terms::RoleGrant;

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
            } => {
                self.users
                    .edit(*id, |user| user.set(username, display_name, *status));
            }
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
                let role = Arc::new(RoleEntry::new(product, name, *built_in, permissions));
                self.roles.edit(*id, |old| *old = Some(role));
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
            self.organizations.edit(*id, |old| *old = Some(entry));
        }
        if let Fact::Product {
            slug,
            aliases,
            declared,
            everyone,
            routes,
        } = fact
        {
            let installation = Arc::make_mut(&mut self.installation);
            installation.set_product(slug, aliases, declared, everyone, routes);
        }
        if let Fact::SigningKey {
            kid,
            algorithm,
            jwk,
            signs,
        } = fact
        {
            let key = SigningKeyEntry::new(*algorithm, jwk, *signs);
            let installation = Arc::make_mut(&mut self.installation);
            installation.keys.insert(kid.as_str().into(), key);
        }
    }

    /// Takes a fact away.
    fn remove(&mut self, key: &FactKey) {
        match key {
            FactKey::Organization(id) => self.organizations.edit(*id, |old| *old = None),
            FactKey::User(id) => self.users.edit(*id, UserEntry::unset),
            FactKey::Group(id) => self.groups.set_name(*id, None),
            FactKey::Member(group, member) => self.set_member(*group, *member, false),
            FactKey::Role(id) => self.roles.edit(*id, |old| *old = None),
            FactKey::Grant(subject, role) => self.remove_grant(*subject, *role),
            FactKey::Application(id) => self.applications.edit(*id, ApplicationEntry::unset),
            FactKey::Credential(id) => self.credentials.edit(*id, |old| *old = None),
            FactKey::EndedSession(id) => self.ended_sessions.edit(*id, |old| *old = None),
            FactKey::Product(slug) => Arc::make_mut(&mut self.installation).remove_product(slug),
            FactKey::SigningKey(kid) => {
                Arc::make_mut(&mut self.installation)
                    .keys
                    .remove(kid.as_str());
            }
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
            .users
            .edit(user, |user| list::set(&mut user.groups, slot, inside));
        if changed {
            self.groups.count_user(slot, inside);
        }
    }

    fn put_grant(&mut self, subject: GrantSubject, grant: RoleGrant) {
        match subject {
            GrantSubject::User(id) => self.user_grants.edit(id, |grants| grants.put(grant)),
            GrantSubject::Group(id) => self.groups.put_grant(id, grant),
            GrantSubject::Application(id) => {
                self.applications.edit(id, |entry| entry.grants.put(grant));
            }
        }
    }

    fn remove_grant(&mut self, subject: GrantSubject, role: RoleId) {
        match subject {
            GrantSubject::User(id) => self.user_grants.edit(id, |grants| grants.remove(role)),
            GrantSubject::Group(id) => self.groups.remove_grant(id, role),
            GrantSubject::Application(id) => {
                self.applications
                    .edit(id, |entry| entry.grants.remove(role));
            }
        }
    }
}
