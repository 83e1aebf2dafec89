//! A proposed change, taken step by step as the calls would be that make it.

use std::sync::Arc;

use gatepost_core::group::check_nesting;
use gatepost_core::name::{self, GroupName, RoleName};
use gatepost_core::simulate::Proposal;
use gatepost_core::snapshot::{GroupEntry, ProductEntry, RoleEntry};
use gatepost_core::{
    AttributeLimit, Change, Fact, GrantSubject, GroupId, Member, RoleId, Snapshot, View,
};
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1 as pb;
use gatepost_proto::identity::v1 as identity;
use gatepost_replica::clock::new_id;

use crate::context::Caller;
use crate::error::{Error, Result};
use crate::given::{self, field};
use crate::manifests;

/// The steps taken so far, and what would be after them.
///
/// A step that no call could make is refused as the call would be; whether the caller could make
/// it is not asked, for nothing is made. Only a manifest, which is the installation's, needs the
/// permission to publish it.
pub struct Draft<'a> {
    caller: &'a Caller,
    system: Arc<Snapshot>,
    organization: Arc<Snapshot>,
    proposal: Proposal,
    /// The names of all groups, once somebody asked: as they are compared, which takes a while.
    groups: Option<Names<GroupId>>,
    /// Those of all roles, the manifests' too.
    roles: Option<Names<RoleId>>,
}

/// Names as they are compared, and whose they are.
type Names<T> = Vec<(String, T)>;

impl<'a> Draft<'a> {
    /// Nothing is changed yet.
    pub fn new(caller: &'a Caller) -> Self {
        Self {
            caller,
            system: Arc::clone(&caller.present.system),
            organization: Arc::clone(&caller.present.organization),
            proposal: Proposal::default(),
            groups: None,
            roles: None,
        }
    }

    /// The whole change.
    pub fn into_proposal(self) -> Proposal {
        self.proposal
    }

    /// Takes a step.
    ///
    /// # Errors
    /// What the call would be refused for; `INVALID_REQUEST` when it is not one step.
    pub fn take(&mut self, change: &pb::ProposedChange) -> Result<()> {
        let pb::ProposedChange {
            group,
            member,
            role,
            grant,
            manifest,
        } = change;
        let given = [
            group.is_some(),
            member.is_some(),
            role.is_some(),
            grant.is_some(),
            manifest.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let message = "a change is exactly one of group, member, role, grant and manifest";
            return Err(Error::invalid("changes", message));
        }
        let steps = [
            group.as_ref().map(|group| self.group(group)),
            member.as_ref().map(|member| self.member(member)),
            role.as_ref().map(|role| self.role(role)),
            grant.as_ref().map(|grant| self.grant(grant)),
        ];
        for step in steps.into_iter().flatten() {
            self.apply(&Proposal {
                organization: vec![step?],
                ..Proposal::default()
            });
        }
        if let Some(manifest) = manifest {
            let proposal = self.manifest(manifest.clone())?;
            self.apply(&proposal);
            // It may bring groups and roles.
            (self.groups, self.roles) = (None, None);
        }
        Ok(())
    }

    fn view(&self) -> View<'_> {
        View {
            system: &self.system,
            organization: &self.organization,
            ..self.caller.present.view()
        }
    }

    fn apply(&mut self, step: &Proposal) {
        let is_system = self.view().is_system();
        let after = |snapshot: &Snapshot, changes: &[Change]| {
            Arc::new(snapshot.apply(snapshot.revision(), changes))
        };
        self.system = after(&self.system, &step.system);
        if is_system {
            self.system = after(&self.system, &step.organization);
            self.organization = Arc::clone(&self.system);
        } else {
            self.organization = after(&self.organization, &step.organization);
        }
        self.proposal.system.extend_from_slice(&step.system);
        self.proposal
            .organization
            .extend_from_slice(&step.organization);
    }

    fn group(&mut self, given: &pb::ProposedGroup) -> Result<Change> {
        let id: GroupId = id("group.id", &given.id)?;
        let present = self.organization.group(id);
        let present = present.map(|group| (group.name().to_owned(), group.is_built_in()));
        let fact = |name: String, built_in| Fact::Group { id, name, built_in };
        if given.remove {
            let (name, built_in) = present.ok_or_else(|| Error::not_found("group"))?;
            self.group_names().retain(|(_, other)| *other != id);
            return Ok(Change::removed(fact(name, built_in)));
        }
        let name = field("group.name", GroupName::parse(&given.name))?;
        take_name(self.group_names(), name.key(), id, "group")?;
        let built_in = present.is_some_and(|(_, built_in)| built_in);
        Ok(Change::created(fact(name.into_string(), built_in)))
    }

    fn group_names(&mut self) -> &mut Names<GroupId> {
        let groups = self.organization.groups();
        let groups = groups.map(|group| (name::key(group.name()), group.id()));
        self.groups.get_or_insert_with(|| groups.collect())
    }

    fn member(&self, given: &pb::ProposedMember) -> Result<Change> {
        let group: GroupId = id("member.group_id", &given.group_id)?;
        let organization = &self.organization;
        let no_group = || Error::not_found("group");
        organization.group(group).ok_or_else(no_group)?;
        let member = if given.r#type == "group" {
            let child: GroupId = id("member.id", &given.id)?;
            organization.group(child).ok_or_else(no_group)?;
            if !given.remove {
                check_nesting(&self.edges(), group, child)?;
            }
            Member::Group(child)
        } else {
            let user = id("member.id", &given.id)?;
            organization
                .user(user)
                .ok_or_else(|| Error::not_found("user"))?;
            Member::User(user)
        };
        Ok(change(Fact::Member { group, member }, given.remove))
    }

    /// Which group is in which, as (parent, child).
    fn edges(&self) -> Vec<(GroupId, GroupId)> {
        let children = self.organization.groups().map(GroupEntry::id);
        let edges = children.flat_map(|child| {
            let parents = self.organization.parents_of(child).into_iter();
            parents.map(move |parent| (parent, child))
        });
        edges.collect()
    }

    fn role(&mut self, given: &pb::ProposedRole) -> Result<Change> {
        let id: RoleId = id("role.id", &given.id)?;
        // Ids of the system organization come first in a view; none of them can be taken.
        let shared = self.system.role(id).filter(|_| !self.view().is_system());
        let present = self.organization.role(id);
        if shared.is_some() || present.is_some_and(RoleEntry::is_built_in) {
            let message = "a product's manifest declares this role";
            return Err(Error::new(ErrorReason::ManifestOwned, message));
        }
        let fact = |product: String, name: String, permissions| Fact::Role {
            id,
            product,
            name,
            permissions,
            built_in: false,
        };
        if given.remove {
            let role = present.ok_or_else(|| Error::not_found("role"))?;
            let (product, name) = (role.product().to_owned(), role.name().to_owned());
            let removed = Change::removed(fact(product, name, role.permissions()));
            self.role_names().retain(|(_, other)| *other != id);
            return Ok(removed);
        }
        let product = self.system.product(&given.product).map(ProductEntry::slug);
        let unknown = || Error::invalid("role.product", "no product has this slug");
        let product = product.ok_or_else(unknown)?.to_owned();
        let name = field("role.name", RoleName::parse(&given.name))?;
        take_name(self.role_names(), name.key(), id, "role")?;
        let permissions = given::permissions(given.permissions.clone())?;
        Ok(Change::created(fact(
            product,
            name.into_string(),
            permissions,
        )))
    }

    fn role_names(&mut self) -> &mut Names<RoleId> {
        let manifests = self.system.roles().filter(|(_, role)| role.is_built_in());
        let roles = manifests.chain(self.organization.roles());
        let roles = roles.map(|(id, role)| (name::key(role.name()), id));
        self.roles.get_or_insert_with(|| roles.collect())
    }

    fn grant(&self, given: &pb::ProposedGrant) -> Result<Change> {
        let organization = &self.organization;
        let subject = match given.r#type.as_str() {
            "group" => {
                let group = id("grant.id", &given.id)?;
                organization
                    .group(group)
                    .map(|_| GrantSubject::Group(group))
            }
            "application" => {
                let machine = id("grant.id", &given.id)?;
                organization
                    .application(machine)
                    .map(|_| GrantSubject::Application(machine))
            }
            _ => {
                let user = id("grant.id", &given.id)?;
                organization.user(user).map(|_| GrantSubject::User(user))
            }
        };
        let subject = subject.ok_or_else(|| Error::not_found("subject"))?;
        let role: RoleId = id("grant.role_id", &given.role_id)?;
        // Another organization's own roles are not there, be it the system organization's.
        let shared = self.system.role(role).filter(|role| role.is_built_in());
        let found = shared.or_else(|| organization.role(role));
        found.ok_or_else(|| Error::not_found("role"))?;
        let grant = Fact::Grant {
            subject,
            role,
            until: given.expires_at.map(|at| at.seconds),
            limits: limits(&given.limits),
        };
        Ok(change(grant, given.remove))
    }

    fn manifest(&self, given: identity::Manifest) -> Result<Proposal> {
        let manifest = given::manifest(given)?;
        manifests::require_publisher(self.caller, &manifest.service)?;
        manifests::require_publishable(&manifest)?;
        let now = self.caller.now();
        manifests::propose(self.view(), &manifest, || new_id(now))
    }
}

/// Gives a name, as it is compared, to this one.
///
/// # Errors
/// `NAME_TAKEN` when another one has it.
fn take_name<T: PartialEq>(
    names: &mut Names<T>,
    key: String,
    id: T,
    noun: &'static str,
) -> Result<()> {
    if names
        .iter()
        .any(|(name, other)| *name == key && *other != id)
    {
        return Err(taken(noun));
    }
    names.retain(|(_, other)| *other != id);
    names.push((key, id));
    Ok(())
}

fn change(fact: Fact, remove: bool) -> Change {
    if remove {
        Change::removed(fact)
    } else {
        Change::created(fact)
    }
}

/// The limits of a grant, sorted as core wants them.
fn limits(given: &[identity::AttributeLimit]) -> Vec<AttributeLimit> {
    let limits = given.iter().map(|limit| {
        let mut values = limit.values.clone();
        values.sort_unstable();
        values.dedup();
        AttributeLimit {
            attribute: limit.attribute.clone(),
            values,
        }
    });
    let mut limits: Vec<AttributeLimit> = limits.collect();
    limits.sort_unstable();
    limits
}

fn id<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T> {
    let unreadable = |_| Error::invalid(field, format!("`{field}` must be an id"));
    text.parse().map_err(unreadable)
}

fn taken(noun: &'static str) -> Error {
    let message = format!("another {noun} has this name");
    let error = Error::new(ErrorReason::NameTaken, message);
    error.with("noun", noun).with("field", "name")
}
