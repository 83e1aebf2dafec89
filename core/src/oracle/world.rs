//! Random worlds, small enough that everything meets everything.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use crate::decide::{Subject, View};
use crate::fact::{
    Algorithm, AttributeLimit, Change, Effect, Fact, FactKey, GrantSubject, Member, RolePermission,
    Status,
};
use crate::id::{ApplicationId, CredentialId, GroupId, OrganizationId, RoleId, SessionId, UserId};
use crate::route::Route;
use crate::snapshot::Snapshot;
use crate::terms::Attributes;

/// The id of the system organization.
pub(crate) const SYSTEM: Uuid = Uuid::from_u128(1);
/// The id of the other organization.
pub(crate) const ORGANIZATION: Uuid = Uuid::from_u128(2);

/// The moment that worlds are asked about.
pub(crate) const NOW_S: i64 = 100;

pub(crate) const PRODUCTS: [&str; 6] = ["p", "q", "p-old", "gatepost", "gatepost-system", "none"];
pub(crate) const NAMES: [&str; 4] = ["a", "b", "c", "*"];

/// An organization beside the installation, as facts with one for each key.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) id: OrganizationId,
    pub(crate) system: Vec<Fact>,
    pub(crate) organization: Vec<Fact>,
    pub(crate) single_tenant: bool,
    pub(crate) now_s: i64,
}

/// A world's snapshots.
pub(crate) struct Built {
    pub(crate) system: Snapshot,
    pub(crate) organization: Snapshot,
    single_tenant: bool,
    now_s: i64,
}

impl World {
    pub(crate) fn build(&self) -> Built {
        let system = Snapshot::build(OrganizationId::new(SYSTEM), 1, self.system.clone());
        let organization = Snapshot::build(self.id, 1, self.organization.clone());
        Built {
            system,
            organization,
            single_tenant: self.single_tenant,
            now_s: self.now_s,
        }
    }
}

impl Built {
    /// The same installation at the same moment, with other snapshots.
    pub(crate) fn with(&self, system: Snapshot, organization: Snapshot) -> Self {
        Self {
            system,
            organization,
            ..*self
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        let Self {
            system,
            organization,
            single_tenant,
            now_s,
        } = self;
        View {
            system,
            organization,
            single_tenant: *single_tenant,
            now_s: *now_s,
        }
    }
}

/// Keeps the last fact of each key, sorted by key.
pub(crate) fn unique(facts: impl IntoIterator<Item = Fact>) -> Vec<Fact> {
    let facts: BTreeMap<FactKey, Fact> = facts.into_iter().map(|fact| (fact.key(), fact)).collect();
    facts.into_values().collect()
}

/// The step from what the facts say to a fact, or to its absence.
pub(crate) fn step(facts: &mut BTreeMap<FactKey, Fact>, fact: Fact, keep: bool) -> Option<Change> {
    let key = fact.key();
    let before = facts.remove(&key);
    if !keep {
        return before.map(Change::removed);
    }
    facts.insert(key, fact.clone());
    Some(Change {
        before,
        after: Some(fact),
    })
}

fn uuid(of: u128) -> impl Strategy<Value = Uuid> {
    (0..of).prop_map(|number| Uuid::from_u128(0x100 + number))
}

pub(crate) fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        3 => uuid(4).prop_map(|id| Subject::User(UserId::new(id))),
        1 => uuid(3).prop_map(|id| Subject::Application(ApplicationId::new(id))),
    ]
}

fn grant_subject() -> impl Strategy<Value = GrantSubject> {
    let group = uuid(6).prop_map(|id| GrantSubject::Group(GroupId::new(id)));
    prop_oneof![subject().prop_map(GrantSubject::from), group]
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![
        uuid(4).prop_map(|id| Member::User(UserId::new(id))),
        uuid(6).prop_map(|id| Member::Group(GroupId::new(id))),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![9 => Just(Status::Active), 1 => Just(Status::Suspended)]
}

pub(crate) fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(String::from)
}

pub(crate) fn product() -> impl Strategy<Value = String> {
    prop::sample::select(&PRODUCTS[..]).prop_map(String::from)
}

pub(crate) fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![4 => Just(Effect::Allow), 1 => Just(Effect::Deny)]
}

/// Lines of a role, sorted and each once, as a snapshot tells them.
pub(crate) fn permissions() -> impl Strategy<Value = Vec<RolePermission>> {
    let line = (name(), name(), effect()).prop_map(|(resource, action, effect)| RolePermission {
        resource,
        action,
        effect,
    });
    prop::collection::btree_set(line, 0..4).prop_map(|lines| lines.into_iter().collect())
}

fn role() -> impl Strategy<Value = RoleId> {
    uuid(8).prop_map(RoleId::new)
}

fn noun() -> impl Strategy<Value = Fact> {
    let name = "[a-cä]{0,3}";
    prop_oneof![
        (uuid(4), name, name, status()).prop_map(|(id, username, display_name, status)| {
            Fact::User {
                id: UserId::new(id),
                username,
                display_name,
                status,
            }
        }),
        (uuid(6), name, any::<bool>()).prop_map(|(id, name, built_in)| Fact::Group {
            id: GroupId::new(id),
            name,
            built_in,
        }),
        (uuid(3), name, name, status()).prop_map(|(id, name, client_id, status)| {
            Fact::Application {
                id: ApplicationId::new(id),
                name,
                client_id,
                status,
            }
        }),
        (uuid(2), uuid(3)).prop_map(|(id, application)| Fact::Credential {
            id: CredentialId::new(id),
            application: ApplicationId::new(application),
        }),
        (uuid(2), 0..9_i64).prop_map(|(id, until)| Fact::EndedSession {
            id: SessionId::new(id),
            until
        }),
        (role(), product(), "[rs]", permissions(), any::<bool>()).prop_map(
            |(id, product, name, permissions, built_in)| Fact::Role {
                id,
                product,
                name,
                permissions,
                built_in,
            }
        ),
    ]
}

fn organization_fact(id: Uuid) -> impl Strategy<Value = Fact> {
    status().prop_map(move |status| Fact::Organization {
        id: OrganizationId::new(id),
        slug: "o".into(),
        name: "O".into(),
        status,
    })
}

/// Attributes and their values, so few that they meet.
const ATTRIBUTES: [&str; 2] = ["ledger", "branch"];
const VALUES: [&str; 3] = ["x", "y", "z"];

/// What a question says of attributes: mostly something.
pub(crate) fn attributes() -> impl Strategy<Value = Attributes> {
    let pair = (
        prop::sample::select(&ATTRIBUTES[..]).prop_map(String::from),
        prop::sample::select(&VALUES[..]).prop_map(String::from),
    );
    prop::collection::vec(pair, 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn limits() -> impl Strategy<Value = Vec<AttributeLimit>> {
    let attribute = prop::sample::select(&ATTRIBUTES[..]).prop_map(String::from);
    let value = prop::sample::select(&VALUES[..]).prop_map(String::from);
    let values = prop::collection::btree_set(value, 0..3);
    let limit = (attribute, values).prop_map(|(attribute, values)| AttributeLimit {
        attribute,
        values: values.into_iter().collect(),
    });
    prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::btree_set(limit, 1..3)
            .prop_map(|limits| limits.into_iter().collect()),
    ]
}

fn grant() -> impl Strategy<Value = Fact> {
    let until = prop::option::weighted(0.4, NOW_S - 2..NOW_S + 3);
    (grant_subject(), role(), until, limits()).prop_map(|(subject, role, until, limits)| {
        Fact::Grant {
            subject,
            role,
            until,
            limits,
        }
    })
}

/// Any fact of an organization.
pub(crate) fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        5 => noun(),
        4 => (uuid(6), member())
            .prop_map(|(group, member)| Fact::Member { group: GroupId::new(group), member }),
        3 => grant(),
    ]
}

fn route() -> impl Strategy<Value = Route> {
    let path = prop::sample::select(&["/a", "/a/{id}", "no path"][..]);
    (path, name(), name()).prop_map(|(path, resource, action)| Route {
        methods: vec!["GET".into()],
        path: path.into(),
        resource,
        action,
    })
}

/// Any fact of the installation.
pub(crate) fn system_fact() -> impl Strategy<Value = Fact> {
    let pairs = prop::collection::btree_set((name(), name()), 0..4);
    let product = (
        prop::sample::select(&PRODUCTS[..5]).prop_map(String::from),
        prop::collection::btree_set(product(), 0..2),
        pairs,
        prop::collection::btree_set(role(), 0..2),
        prop::collection::btree_set(route(), 0..2),
    );
    prop_oneof![
        4 => product.prop_map(|(slug, aliases, declared, everyone, routes)| Fact::Product {
            demands: Vec::new(),
            slug,
            aliases: aliases.into_iter().collect(),
            declared: declared.into_iter().collect(),
            everyone: everyone.into_iter().collect(),
            routes: routes.into_iter().collect(),
        }),
        4 => noun(),
        1 => (0..3_u8, any::<bool>()).prop_map(|(kid, signs)| Fact::SigningKey {
            kid: kid.to_string(),
            algorithm: Algorithm::ES256,
            jwk: "{}".into(),
            signs,
        }),
        1 => organization_fact(ORGANIZATION),
    ]
}

/// A whole world, with its organization there and active more often than not.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let organization = prop::collection::vec(fact(), 0..60);
    let system = prop::collection::vec(system_fact(), 0..40);
    let own = prop::option::weighted(0.95, organization_fact(ORGANIZATION));
    (
        organization,
        system,
        own,
        any::<bool>(),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(mut organization, system, own, single_tenant, is_system)| {
                organization.extend(own);
                let system = unique(system);
                if !is_system {
                    let (id, organization) =
                        (OrganizationId::new(ORGANIZATION), unique(organization));
                    return World {
                        id,
                        system,
                        organization,
                        single_tenant,
                        now_s: NOW_S,
                    };
                }
                // The system organization's own people: its view has it on both sides.
                let mut all = system;
                all.extend(organization.into_iter().map(rehome));
                let all = unique(all);
                let id = OrganizationId::new(SYSTEM);
                World {
                    id,
                    system: all.clone(),
                    organization: all,
                    single_tenant,
                    now_s: NOW_S,
                }
            },
        )
}

fn rehome(mut fact: Fact) -> Fact {
    if let Fact::Organization { id, .. } = &mut fact {
        *id = OrganizationId::new(SYSTEM);
    }
    fact
}
