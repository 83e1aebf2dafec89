//! What publishing a manifest means, for the program that does it and for whoever only asks.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Manifest;
use crate::decide::View;
use crate::fact::{Change, Fact, GrantSubject, RolePermission};
use crate::id::{GroupId, RoleId};
use crate::mfa::DemandingPermission;
use crate::name;
use crate::route::Route;
use crate::simulate::Proposal;
use crate::snapshot::{GroupEntry, RoleEntry};

/// A manifest, compiled: what it puts in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The product's slug.
    pub slug: String,
    /// Older slugs that mean this product.
    pub aliases: Vec<String>,
    /// The (resource, action) pairs that it knows, sorted.
    pub declared: Vec<(String, String)>,
    /// Names of its roles that every user of every organization holds, sorted.
    pub everyone: Vec<String>,
    /// Its roles by name, with their permissions sorted. They replace those it had.
    pub roles: Vec<(String, Vec<RolePermission>)>,
    /// Its built-in groups with the names of the roles that they are given, both sorted. What
    /// groups have besides stays.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Which of its permissions a request needs, sorted.
    pub routes: Vec<Route>,
    /// Its permissions that ask for more than being signed in, sorted.
    pub demands: Vec<DemandingPermission>,
}

impl Manifest {
    /// Compiles the manifest.
    pub fn publication(&self) -> Publication {
        Publication {
            slug: self.service.clone(),
            aliases: self.aliases.clone(),
            declared: self.declared(),
            everyone: self.everyone_roles(),
            roles: self.roles(),
            groups: self.groups(),
            routes: self.routes(),
            demands: self.demands(),
        }
    }
}

impl Publication {
    /// What publishing would change in the installation and in one organization. A role or group
    /// whose name is there keeps its id; `new_id` makes one for each that is new.
    pub fn proposal(&self, view: View<'_>, mut new_id: impl FnMut() -> Uuid) -> Proposal {
        let mut present = self.present_roles(view);
        let mut proposal = Proposal::default();
        let mut ids: BTreeMap<&str, RoleId> = BTreeMap::new();
        for (name, permissions) in &self.roles {
            let before = present.remove(&name::key(name));
            let id = before.map_or_else(|| RoleId::new(new_id()), |(id, _)| id);
            let after = Fact::Role {
                id,
                product: self.slug.clone(),
                name: name.clone(),
                permissions: permissions.clone(),
                built_in: true,
            };
            proposal.system.push(Change {
                before: before.map(|(id, role)| fact(id, role)),
                after: Some(after),
            });
            ids.insert(name, id);
        }
        let gone = present.into_values();
        let gone = gone.map(|(id, role)| Change::removed(fact(id, role)));
        proposal.system.extend(gone);
        let everyone = self.everyone.iter();
        proposal.system.push(Change::created(Fact::Product {
            slug: self.slug.clone(),
            aliases: self.aliases.clone(),
            declared: self.declared.clone(),
            everyone: everyone
                .filter_map(|name| ids.get(name.as_str()).copied())
                .collect(),
            routes: self.routes.clone(),
            demands: self.demands.clone(),
        }));
        proposal.organization = self.furnish(view, &ids, new_id);
        proposal
    }

    /// The roles that the product's manifest has now, by key of the name.
    fn present_roles<'a>(&self, view: View<'a>) -> BTreeMap<String, (RoleId, &'a RoleEntry)> {
        let roles = view.system.roles();
        let own = roles.filter(|(_, role)| role.is_built_in() && role.product() == self.slug);
        own.map(|(id, role)| (name::key(role.name()), (id, role)))
            .collect()
    }

    /// The built-in groups of one organization, with their roles. A group that only has the name
    /// of one gets nothing: whoever made it must not get the product with it.
    fn furnish(
        &self,
        view: View<'_>,
        roles: &BTreeMap<&str, RoleId>,
        mut new_id: impl FnMut() -> Uuid,
    ) -> Vec<Change> {
        let groups = view.organization.groups();
        let present: BTreeMap<String, &GroupEntry> = groups
            .map(|group| (name::key(group.name()), group))
            .collect();
        let mut changes = Vec::new();
        for (name, held) in &self.groups {
            let id = match present.get(&name::key(name)) {
                Some(group) if group.is_built_in() => group.id(),
                Some(_) => continue,
                None => {
                    let id = GroupId::new(new_id());
                    changes.push(Change::created(Fact::Group {
                        id,
                        name: name.clone(),
                        built_in: true,
                    }));
                    id
                }
            };
            let held = held.iter().filter_map(|role| roles.get(role.as_str()));
            changes.extend(held.map(|role| {
                Change::created(Fact::Grant {
                    subject: GrantSubject::Group(id),
                    role: *role,
                    until: None,
                    limits: Vec::new(),
                })
            }));
        }
        changes
    }
}

/// A role as a fact again.
fn fact(id: RoleId, role: &RoleEntry) -> Fact {
    Fact::Role {
        id,
        product: role.product().to_owned(),
        name: role.name().to_owned(),
        permissions: role.permissions(),
        built_in: role.is_built_in(),
    }
}
