//! The named cases of `tests/cases`, asked of the decision itself.
#![cfg(test)]

mod format;

use std::collections::BTreeMap;
use std::path::Path;

use format::{Cases, Ends, Organization, named, permission};
use gatepost_core::{
    ApplicationId, AttributeLimit, Effect, Fact, GrantSubject, GroupId, Member, OrganizationId,
    Question, Reason, RoleId, RolePermission, Snapshot, Status, Subject, UserId, View, decide,
};
use uuid::Uuid;

/// The moment of the questions.
const NOW_S: i64 = 1_000_000;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases"))
}

/// The same id for the same name, wherever it stands.
fn id(kind: &str, name: &str) -> Uuid {
    let mut number = 0xcbf2_9ce4_8422_2325_u128;
    for byte in kind.bytes().chain([0]).chain(name.bytes()) {
        number = (number ^ u128::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    Uuid::from_u128(number)
}

fn role_id(name: &str) -> RoleId {
    RoleId::new(id("role", name))
}

fn status(suspended: bool) -> Status {
    if suspended {
        Status::Suspended
    } else {
        Status::Active
    }
}

fn role(name: &str, product: &str, lines: &[String]) -> Fact {
    let lines = lines.iter().map(|line| {
        let (resource, action, denies) = permission(line);
        RolePermission {
            resource: resource.to_owned(),
            action: action.to_owned(),
            effect: if denies { Effect::Deny } else { Effect::Allow },
        }
    });
    Fact::Role {
        built_in: false,
        id: role_id(name),
        product: product.to_owned(),
        name: name.to_owned(),
        permissions: lines.collect(),
    }
}

fn holder(text: &str) -> GrantSubject {
    match named(text) {
        ("user", name) => GrantSubject::User(UserId::new(id("user", name))),
        ("group", name) => GrantSubject::Group(GroupId::new(id("group", name))),
        ("application", name) => {
            GrantSubject::Application(ApplicationId::new(id("application", name)))
        }
        (kind, _) => panic!("nobody holds a role as a `{kind}`"),
    }
}

fn organization_facts(slug: &str, organization: &Organization) -> Vec<Fact> {
    let mut facts = vec![Fact::Organization {
        id: OrganizationId::new(id("organization", slug)),
        slug: slug.to_owned(),
        name: slug.to_owned(),
        status: status(organization.suspended),
    }];
    facts.extend(organization.users.iter().map(|(name, account)| Fact::User {
        id: UserId::new(id("user", name)),
        username: name.clone(),
        display_name: name.clone(),
        status: status(account.suspended),
    }));
    let applications = organization.applications.iter();
    facts.extend(applications.map(|(name, account)| Fact::Application {
        id: ApplicationId::new(id("application", name)),
        name: name.clone(),
        client_id: name.clone(),
        status: status(account.suspended),
    }));
    for (name, own) in &organization.groups {
        let group = GroupId::new(id("group", name));
        facts.push(Fact::Group {
            built_in: false,
            id: group,
            name: name.clone(),
        });
        let users = own.users.iter();
        let users = users.map(|user| Member::User(UserId::new(id("user", user))));
        let groups = own.groups.iter();
        let groups = groups.map(|child| Member::Group(GroupId::new(id("group", child))));
        facts.extend(
            users
                .chain(groups)
                .map(|member| Fact::Member { group, member }),
        );
    }
    let roles = organization.roles.iter();
    facts.extend(roles.map(|(name, own)| role(name, &own.product, &own.permissions)));
    facts.extend(organization.grants.iter().map(|grant| Fact::Grant {
        subject: holder(&grant.to),
        role: role_id(&grant.role),
        until: match grant.ends {
            Ends::Never => None,
            Ends::Later => Some(NOW_S + 1),
            Ends::Before => Some(NOW_S),
        },
        limits: limits(&grant.limits),
    }));
    facts
}

fn limits(limits: &BTreeMap<String, Vec<String>>) -> Vec<AttributeLimit> {
    let limit = |(attribute, values): (&String, &Vec<String>)| AttributeLimit {
        attribute: attribute.clone(),
        values: values.clone(),
    };
    limits.iter().map(limit).collect()
}

fn product_facts(cases: &Cases) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (slug, product) in &cases.products {
        let declared = product.declares.iter().map(|line| {
            let (resource, action, _) = permission(line);
            (resource.to_owned(), action.to_owned())
        });
        facts.push(Fact::Product {
            demands: Vec::new(),
            routes: Vec::new(),
            slug: slug.clone(),
            aliases: product.aliases.clone(),
            declared: declared.collect(),
            everyone: product.everyone.iter().map(|role| role_id(role)).collect(),
        });
        let roles = product.roles.iter();
        facts.extend(roles.map(|(name, lines)| role(name, slug, lines)));
    }
    facts
}

/// The snapshots of every organization, by slug; that of the installation is always there.
fn snapshots(cases: &Cases) -> BTreeMap<&str, Snapshot> {
    let mut organizations: BTreeMap<&str, Vec<Fact>> = cases
        .organizations
        .iter()
        .map(|(slug, organization)| (slug.as_str(), organization_facts(slug, organization)))
        .collect();
    let directory: Vec<Fact> = organizations
        .values()
        .filter_map(|facts| facts.first().cloned())
        .collect();
    let system = organizations.entry("system").or_default();
    system.extend(directory);
    system.extend(product_facts(cases));
    let build = |(slug, facts)| {
        let id = OrganizationId::new(id("organization", slug));
        (slug, Snapshot::build(id, 1, facts))
    };
    organizations.into_iter().map(build).collect()
}

/// The reason as the contract words it.
fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Granted => "granted",
        Reason::Denied => "denied",
        Reason::NoGrant => "permission",
        Reason::AttributesUnmet => "attributes",
        Reason::StrongerSignIn => "stronger_sign_in",
        Reason::UnknownProduct => "unknown_product",
        Reason::UnknownPermission => "unknown_permission",
        Reason::SubjectUnknown => "subject_unknown",
        Reason::OrganizationSuspended | Reason::SubjectSuspended => "subject_disabled",
    }
}

#[test]
fn the_decision_answers_as_the_cases_say() {
    let mut asked = 0;
    for (file, cases) in format::load(folder()) {
        let snapshots = snapshots(&cases);
        for question in &cases.questions {
            let subject = match named(&question.who) {
                ("user", name) => Subject::User(UserId::new(id("user", name))),
                ("application", name) => {
                    Subject::Application(ApplicationId::new(id("application", name)))
                }
                (kind, _) => panic!("a `{kind}` asks nothing"),
            };
            let view = View {
                system: &snapshots["system"],
                organization: &snapshots[question.organization.as_str()],
                single_tenant: cases.single_tenant,
                now_s: NOW_S,
            };
            let decision = decide(
                view,
                subject,
                Question {
                    product: question.product.as_deref(),
                    resource: &question.resource,
                    action: &question.action,
                    attributes: &question.attributes,
                },
            );
            let about = format!("{file}: {}", question.name);
            assert_eq!(word(decision.reason), question.expect, "{about}");
            assert_eq!(decision.allowed, question.allowed(), "{about}");
            asked += 1;
        }
    }
    assert!(asked >= 60, "only {asked} questions were found");
}

/// A case that names something that is not there would prove another thing than it says.
#[test]
fn the_cases_name_what_is_there() {
    for (file, cases) in format::load(folder()) {
        let manifest = |role: &String| {
            cases
                .products
                .values()
                .any(|it| it.roles.contains_key(role))
        };
        for (slug, organization) in &cases.organizations {
            for group in organization.groups.values() {
                let known = |user: &String| organization.users.contains_key(user);
                assert!(group.users.iter().all(known), "{file}: {slug}");
                let known = |group: &String| organization.groups.contains_key(group);
                assert!(group.groups.iter().all(known), "{file}: {slug}");
            }
            for grant in &organization.grants {
                let known = match named(&grant.to) {
                    ("user", name) => organization.users.contains_key(name),
                    ("group", name) => organization.groups.contains_key(name),
                    (_, name) => organization.applications.contains_key(name),
                };
                let role = manifest(&grant.role) || organization.roles.contains_key(&grant.role);
                assert!(known && role, "{file}: {grant:?}");
            }
        }
        let mut names: Vec<&str> = cases.questions.iter().map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(
            names.len(),
            cases.questions.len(),
            "{file}: one name, one question"
        );
        let known =
            |question: &format::Question| cases.organizations.contains_key(&question.organization);
        assert!(cases.questions.iter().all(known), "{file}: {}", cases.about);
    }
}
