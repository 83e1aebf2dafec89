//! Made-up installations: the same facts on every run, and as many as one wants.

use gatepost_core::{
    AttributeLimit, Effect, Fact, GrantSubject, GroupId, Member, OrganizationId, RoleId,
    RolePermission, Snapshot, Status, UserId,
};
use uuid::Uuid;

/// Products of the installation.
const PRODUCTS: u64 = 12;
/// Resources of a product.
const RESOURCES: u64 = 30;
/// What can be done to a resource.
const ACTIONS: [&str; 5] = ["get", "post", "patch", "delete", "export"];
/// Roles of a product's manifest.
const MANIFEST_ROLES: u64 = 5;
/// Roles that an organization makes itself.
const OWN_ROLES: u64 = 100;
/// Groups that a user is in.
pub const GROUPS_EACH: u64 = 10;
/// The values of the one attribute that grants are limited by.
pub const LEDGERS: [&str; 4] = ["a", "b", "c", "d"];

/// How much there is in an organization.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Users, each in ten groups.
    pub users: u64,
    /// Groups; everybody is in the first one.
    pub groups: u64,
    /// Roles given to each group.
    pub grants_each: u64,
    /// Every how many users one has a role herself; 0 for none.
    pub direct_every: u64,
    /// Whether the grants of groups are limited to some ledgers.
    pub limited: bool,
    /// How many of the users ask, evenly: all, or those who are at work this second.
    pub asking: u64,
}

impl Shape {
    /// An organization of so many people, in up to a thousand groups.
    pub const fn people(users: u64) -> Self {
        let groups = match users / 10 {
            small @ 0..20 => 20 + small,
            middle @ 20..1_000 => middle,
            _ => 1_000,
        };
        Self {
            users,
            groups,
            grants_each: 2,
            direct_every: 10,
            limited: false,
            asking: users,
        }
    }

    /// As many grants as people: half of them to groups, half to the people themselves.
    pub const fn grants(users: u64) -> Self {
        Self {
            groups: users / 10,
            grants_each: 5,
            direct_every: 2,
            ..Self::people(users)
        }
    }
}

/// A question, as a product would ask it.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which organization.
    pub organization: usize,
    /// Who.
    pub user: UserId,
    /// Which of the organization's users that is.
    pub number: u64,
    /// The product's slug.
    pub product: String,
    /// The resource.
    pub resource: String,
    /// The action.
    pub action: &'static str,
}

/// The installation's own snapshot, with a directory of so many organizations.
pub fn system(organizations: u64) -> Snapshot {
    let mut facts: Vec<Fact> = (0..organizations).map(own_fact).collect();
    for product in 0..PRODUCTS {
        let declared = (0..RESOURCES).flat_map(|resource| {
            ACTIONS.map(|action| (resource_name(product, resource), action.to_owned()))
        });
        facts.push(Fact::Product {
            demands: Vec::new(),
            routes: Vec::new(),
            slug: slug(product),
            aliases: vec![format!("old-{}", slug(product))],
            declared: declared.collect(),
            everyone: Vec::new(),
        });
        facts.extend((0..MANIFEST_ROLES).map(|role| manifest_role(product, role)));
    }
    Snapshot::build(OrganizationId::new(Uuid::nil()), 1, facts)
}

fn manifest_role(product: u64, number: u64) -> Fact {
    let line = |resource: String, action: &str, effect| RolePermission {
        resource,
        action: action.to_owned(),
        effect,
    };
    let of_each = |actions: &[&str]| {
        let resources = (0..RESOURCES).map(|resource| resource_name(product, resource));
        let lines = resources.flat_map(|resource| {
            let lines = actions.iter();
            lines.map(move |action| line(resource.clone(), action, Effect::Allow))
        });
        lines.collect()
    };
    let any = || "*".to_owned();
    let (name, permissions) = match number {
        0 => ("viewer", of_each(&["get"])),
        1 => ("editor", of_each(&["get", "post", "patch"])),
        2 => ("admin", vec![line(any(), "*", Effect::Allow)]),
        3 => ("auditor", vec![line(any(), "get", Effect::Allow)]),
        _ => ("keeper", vec![line(any(), "delete", Effect::Deny)]),
    };
    Fact::Role {
        built_in: false,
        id: role_id(product * MANIFEST_ROLES + number),
        product: slug(product),
        name: format!("{}-{name}", slug(product)),
        permissions,
    }
}

/// The organization with that number, as facts made one by one.
pub fn organization(number: u64, shape: Shape) -> impl Iterator<Item = Fact> {
    let groups = (0..shape.groups).flat_map(move |group| group_facts(number, shape, group));
    let users = (0..shape.users).map(move |user| Fact::User {
        id: user_id(number, user),
        username: format!("given.family-{user}"),
        display_name: format!("Given Family {user}"),
        status: Status::Active,
    });
    // Not user after user: rows come in any order.
    let members = (0..GROUPS_EACH).flat_map(move |place| {
        (0..shape.users).map(move |user| member(number, group_of(number, shape, user, place), user))
    });
    let every = shape.direct_every;
    let direct = (0..shape.users).filter(move |user| every != 0 && user % every == 0);
    let direct = direct.map(move |user| Fact::Grant {
        subject: GrantSubject::User(user_id(number, user)),
        role: direct_role(number, user),
        until: None,
        limits: Vec::new(),
    });
    std::iter::once(own_fact(number))
        .chain((0..OWN_ROLES).map(move |role| own_role(number, role, 0)))
        .chain(groups)
        .chain(users)
        .chain(members)
        .chain(direct)
}

fn own_fact(number: u64) -> Fact {
    Fact::Organization {
        id: organization_id(number),
        slug: format!("organization-{number}"),
        name: format!("Organization {number}"),
        status: Status::Active,
    }
}

/// The role that a user holds herself.
pub fn direct_role(organization: u64, user: u64) -> RoleId {
    some_role(organization, &[2, organization, user])
}

/// The group that a group is in, if any.
pub fn parent_of(group: u64) -> Option<u64> {
    (group % 10 == 5).then(|| group - 1)
}

/// Every role that an organization can give.
pub fn roles(organization: u64) -> impl Iterator<Item = Fact> {
    let products = 0..PRODUCTS;
    let manifests = products
        .flat_map(|product| (0..MANIFEST_ROLES).map(move |role| manifest_role(product, role)));
    manifests.chain((0..OWN_ROLES).map(move |role| own_role(organization, role, 0)))
}

/// A snapshot of it.
pub fn build(number: u64, shape: Shape) -> Snapshot {
    Snapshot::build(organization_id(number), 1, organization(number, shape))
}

/// That somebody is in a group.
pub fn member(organization: u64, group: u64, user: u64) -> Fact {
    Fact::Member {
        group: group_id(organization, group),
        member: Member::User(user_id(organization, user)),
    }
}

/// A role that an organization made itself; the edition changes one of its lines.
pub fn own_role(organization: u64, number: u64, edition: u64) -> Fact {
    let product = number % PRODUCTS;
    let lines = (0..10).map(|line| {
        let edition = if line == 0 { edition } else { 0 };
        let dice = mix(&[3, number, line, edition]);
        RolePermission {
            resource: resource_name(product, dice % RESOURCES),
            action: action(dice >> 8).to_owned(),
            effect: if (dice >> 16).is_multiple_of(10) {
                Effect::Deny
            } else {
                Effect::Allow
            },
        }
    });
    Fact::Role {
        built_in: false,
        id: own_role_id(organization, number),
        product: slug(product),
        name: format!("own-{number}"),
        permissions: lines.collect(),
    }
}

/// A role given to a group.
pub fn group_grant(organization: u64, shape: Shape, group: u64, number: u64) -> Fact {
    let limits = AttributeLimit {
        attribute: "ledger_id".to_owned(),
        values: LEDGERS
            .iter()
            .take(2)
            .map(|ledger| (*ledger).to_owned())
            .collect(),
    };
    Fact::Grant {
        subject: GrantSubject::Group(group_id(organization, group)),
        role: some_role(organization, &[1, group, number]),
        until: None,
        limits: if shape.limited {
            vec![limits]
        } else {
            Vec::new()
        },
    }
}

fn group_facts(organization: u64, shape: Shape, group: u64) -> Vec<Fact> {
    let mut facts = vec![Fact::Group {
        built_in: false,
        id: group_id(organization, group),
        name: format!("group-{group}"),
    }];
    if let Some(parent) = parent_of(group) {
        facts.push(Fact::Member {
            group: group_id(organization, parent),
            member: Member::Group(group_id(organization, group)),
        });
    }
    let grants =
        (0..shape.grants_each).map(|number| group_grant(organization, shape, group, number));
    facts.extend(grants);
    facts
}

/// One of a user's groups: the first one of all, or any of a ninth of the others.
pub fn group_of(organization: u64, shape: Shape, user: u64, place: u64) -> u64 {
    let part = (shape.groups - 1) / (GROUPS_EACH - 1);
    match place {
        0 => 0,
        place => 1 + (place - 1) * part + mix(&[4, organization, user, place]) % part,
    }
}

/// Questions about users chosen evenly.
pub fn questions(count: u64, organizations: u64, shape: Shape) -> Vec<Ask> {
    let asks = (0..count).map(|number| {
        let dice = mix(&[6, number]);
        let organization = mix(&[7, number]) % organizations;
        let product = dice % PRODUCTS;
        let user = mix(&[8, number]) % shape.asking;
        Ask {
            organization: usize::try_from(organization).unwrap_or_default(),
            user: user_id(organization, user),
            number: user,
            product: slug(product),
            resource: resource_name(product, (dice >> 8) % RESOURCES),
            action: action(dice >> 24),
        }
    });
    asks.collect()
}

/// The id of an organization.
pub fn organization_id(number: u64) -> OrganizationId {
    OrganizationId::new(id(1, 0, number))
}

fn user_id(organization: u64, number: u64) -> UserId {
    UserId::new(id(2, organization, number))
}

fn group_id(organization: u64, number: u64) -> GroupId {
    GroupId::new(id(3, organization, number))
}

fn role_id(number: u64) -> RoleId {
    RoleId::new(id(4, 0, number))
}

fn own_role_id(organization: u64, number: u64) -> RoleId {
    RoleId::new(id(5, organization, number))
}

fn some_role(organization: u64, dice: &[u64]) -> RoleId {
    let manifest = PRODUCTS * MANIFEST_ROLES;
    match mix(dice) % (manifest + OWN_ROLES) {
        number if number < manifest => role_id(number),
        number => own_role_id(organization, number - manifest),
    }
}

fn slug(product: u64) -> String {
    format!("plugin-product-{product}")
}

fn resource_name(product: u64, number: u64) -> String {
    format!("resources-{product}-{number}")
}

fn action(dice: u64) -> &'static str {
    let position = usize::try_from(dice % 5).unwrap_or_default();
    ACTIONS.get(position).copied().unwrap_or_default()
}

/// An id that looks as random as a real one.
fn id(kind: u64, organization: u64, number: u64) -> Uuid {
    let high = kind << 56 | organization << 32 | number;
    Uuid::from_u64_pair(high, mix(&[high]))
}

/// Numbers that are as good as random: the finalizer of `SplitMix64` over each part.
fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| {
        let mut mixed = state ^ part.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}
