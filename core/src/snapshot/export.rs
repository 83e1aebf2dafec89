//! A snapshot told as facts again.

use super::Snapshot;
use crate::fact::{Fact, GrantSubject, Member};
use crate::terms::RoleGrant;

impl Snapshot {
    /// The facts that the snapshot is the fold of, sorted by key: what another replica needs to
    /// build the same one. Lists inside of facts are sorted, and duplicates in them are gone.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        self.export_people(&mut facts);
        self.export_groups(&mut facts);
        self.export_machines(&mut facts);
        self.export_installation(&mut facts);
        facts.sort_by_cached_key(Fact::key);
        facts
    }

    fn export_people(&self, facts: &mut Vec<Fact>) {
        facts.extend(self.users().map(|(id, user)| Fact::User {
            id,
            username: user.username().into(),
            display_name: user.display_name().into(),
            status: user.status(),
        }));
        for (id, user) in self.people.iter() {
            let slots = user.groups().iter();
            let groups = slots.filter_map(|slot| self.groups.at(*slot));
            facts.extend(groups.map(|group| Fact::Member {
                group: group.id(),
                member: Member::User(id),
            }));
        }
        for (id, given) in self.user_grants.iter() {
            facts.extend(grants(GrantSubject::User(*id), given.as_slice()));
        }
        facts.extend(
            self.ended_sessions()
                .map(|(id, until)| Fact::EndedSession { id, until }),
        );
    }

    fn export_groups(&self, facts: &mut Vec<Fact>) {
        facts.extend(self.groups().map(|group| Fact::Group {
            id: group.id(),
            name: group.name().into(),
            built_in: group.is_built_in(),
        }));
        for group in self.groups.iter() {
            let parents = group
                .parents
                .iter()
                .filter_map(|slot| self.groups.at(*slot));
            facts.extend(parents.map(|parent| Fact::Member {
                group: parent.id(),
                member: Member::Group(group.id()),
            }));
            facts.extend(grants(GrantSubject::Group(group.id()), group.grants()));
        }
        facts.extend(self.roles().map(|(id, role)| Fact::Role {
            id,
            product: role.product().into(),
            name: role.name().into(),
            permissions: role.permissions(),
            built_in: role.is_built_in(),
        }));
    }

    fn export_machines(&self, facts: &mut Vec<Fact>) {
        facts.extend(
            self.applications()
                .map(|(id, application)| Fact::Application {
                    id,
                    name: application.name().into(),
                    client_id: application.client_id().into(),
                    status: application.status(),
                }),
        );
        for (id, application) in self.applications.iter() {
            facts.extend(grants(
                GrantSubject::Application(*id),
                application.grants.as_slice(),
            ));
        }
        facts.extend(self.credentials.iter().filter_map(|(id, application)| {
            application.map(|application| Fact::Credential {
                id: *id,
                application,
            })
        }));
    }

    fn export_installation(&self, facts: &mut Vec<Fact>) {
        facts.extend(
            self.organizations()
                .map(|(id, organization)| Fact::Organization {
                    id,
                    slug: organization.slug.clone().into(),
                    name: organization.name.clone().into(),
                    status: organization.status,
                }),
        );
        facts.extend(self.products().map(|product| Fact::Product {
            slug: product.slug().into(),
            aliases: product.aliases().map(Into::into).collect(),
            declared: product.declared(),
            everyone: product.everyone().to_vec(),
            routes: product.routes().to_vec(),
            demands: product.demands().to_vec(),
        }));
        facts.extend(self.signing_keys().map(|(kid, key)| Fact::SigningKey {
            kid: kid.into(),
            algorithm: key.algorithm,
            jwk: key.jwk.clone().into(),
            signs: key.signs,
        }));
    }
}

/// The grants of one subject.
fn grants(subject: GrantSubject, given: &[RoleGrant]) -> impl Iterator<Item = Fact> {
    given.iter().map(move |grant| Fact::Grant {
        subject,
        role: grant.role(),
        until: grant.until(),
        limits: grant.limits().to_vec(),
    })
}
