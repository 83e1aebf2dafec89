mod editions;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fact::{Effect, Fact, GrantSubject, Member, RolePermission};
use crate::id::{GroupId, OrganizationId};
use crate::oracle;
use crate::oracle::world::{self, World};

fn question() -> impl Strategy<Value = (Option<String>, String, String)> {
    (
        prop::option::of(world::product()),
        world::name(),
        world::name(),
    )
}

fn ask((product, resource, action): &(Option<String>, String, String)) -> Question<'_> {
    Question {
        product: product.as_deref(),
        resource,
        action,
        attributes: &NO_ATTRIBUTES,
    }
}

/// A question without attributes.
fn about<'a>(product: Option<&'a str>, resource: &'a str, action: &'a str) -> Question<'a> {
    Question {
        product,
        resource,
        action,
        attributes: &NO_ATTRIBUTES,
    }
}

fn all_questions() -> Vec<(Option<String>, String, String)> {
    let products = world::PRODUCTS
        .iter()
        .map(|product| Some(String::from(*product)));
    let mut questions = Vec::new();
    for product in products.chain([None]) {
        for resource in world::NAMES {
            for action in world::NAMES {
                questions.push((product.clone(), resource.into(), action.into()));
            }
        }
    }
    questions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn agrees_with_the_oracle(
        world in world::world(), subject in world::subject(), attributes in world::attributes(),
    ) {
        let built = world.build();
        for question in all_questions() {
            let asked = Question { attributes: &attributes, ..ask(&question) };
            let reason = oracle::decide(&world, subject, asked);
            let decision = decide(built.view(), subject, asked);
            prop_assert_eq!(decision, Decision::from(reason), "{:?} {:?}", question, attributes);
        }
    }

    /// An expired grant is as good as none, and one that is not over yet as good as one for ever.
    #[test]
    fn only_the_second_of_expiry_matters(
        world in world::world(), subject in world::subject(), attributes in world::attributes(),
    ) {
        let mut settled = world.clone();
        for facts in [&mut settled.organization, &mut settled.system] {
            facts.retain(|fact| !matches!(fact, Fact::Grant { until: Some(until), .. }
                if *until <= world::NOW_S));
            for fact in facts {
                if let Fact::Grant { until, .. } = fact {
                    *until = None;
                }
            }
        }
        let (built, settled) = (world.build(), settled.build());
        for question in all_questions() {
            let asked = Question { attributes: &attributes, ..ask(&question) };
            prop_assert_eq!(
                decide(built.view(), subject, asked),
                decide(settled.view(), subject, asked)
            );
        }
    }

    /// Whoever leaves attributes out is never allowed more than with any value of them.
    #[test]
    fn leaving_an_attribute_out_never_helps(
        world in world::world(), subject in world::subject(), attributes in world::attributes(),
        question in question(),
    ) {
        let built = world.build();
        let asked = Question { attributes: &attributes, ..ask(&question) };
        let bare = decide(built.view(), subject, ask(&question));
        let full = decide(built.view(), subject, asked);
        prop_assert!(full.allowed || !bare.allowed);
    }

    #[test]
    fn walks_the_same_groups_as_the_oracle(world in world::world(), subject in world::subject()) {
        let Subject::User(user) = subject else { return Ok(()) };
        let mut groups = oracle::groups(&world, subject);
        groups.sort();
        prop_assert_eq!(world.build().organization.groups_of(user), groups);
    }

    #[test]
    fn an_allow_takes_nothing_away(
        mut world in world::world(), subject in world::subject(), question in question(),
        product in world::product(), resource in world::name(), action in world::name(),
    ) {
        let before = decide(world.build().view(), subject, ask(&question));
        give(&mut world, subject, &product, &resource, &action, Effect::Allow);
        let after = decide(world.build().view(), subject, ask(&question));
        prop_assert!(after.allowed || !before.allowed);
    }

    #[test]
    fn a_deny_wins(
        mut world in world::world(), subject in world::subject(),
        resource in world::name(), action in world::name(),
    ) {
        give(&mut world, subject, "p", &resource, &action, Effect::Deny);
        let question = about(Some("p"), &resource, &action);
        let decision = decide(world.build().view(), subject, question);
        prop_assert!(!decision.allowed);
    }

    #[test]
    fn permissions_are_what_is_allowed_somewhere(
        world in world::world(), subject in world::subject(),
    ) {
        let built = world.build();
        let listed = permissions_of(built.view(), subject);
        for (resource, actions) in &listed {
            for action in actions {
                let allowed = |product: &ProductEntry| {
                    let product = Some(product.slug());
                    decide(built.view(), subject, about(product, resource, action)).allowed
                };
                prop_assert!(built.system.products().any(allowed), "{resource}:{action}");
            }
        }
        for question in all_questions() {
            // Without a product only what is declared is allowed, and that is always listed.
            let question = Question { product: None, ..ask(&question) };
            if decide(built.view(), subject, question).allowed {
                prop_assert!(listed[question.resource].contains(question.action));
            }
        }
    }
}

/// A new role for the subject with one line.
fn give(
    world: &mut World,
    subject: Subject,
    product: &str,
    resource: &str,
    action: &str,
    effect: Effect,
) {
    let id = RoleId::new(Uuid::from_u128(0xfff));
    let permissions = vec![RolePermission {
        resource: resource.into(),
        action: action.into(),
        effect,
    }];
    let role = Fact::Role {
        id,
        product: product.into(),
        name: "new".into(),
        permissions,
        built_in: false,
    };
    world.organization.push(role);
    world.organization.push(Fact::Grant {
        subject: subject.into(),
        role: id,
        until: None,
        limits: Vec::new(),
    });
    if world.id == OrganizationId::new(world::SYSTEM) {
        world.system.clone_from(&world.organization);
    }
}

const ANN: Uuid = Uuid::from_u128(0x100);
const GROUP: Uuid = Uuid::from_u128(0x200);
const MACHINE: Uuid = Uuid::from_u128(0x300);

fn role(number: u128, product: &str, lines: &[(&str, &str, Effect)]) -> Fact {
    let line = |(resource, action, effect): &(&str, &str, Effect)| RolePermission {
        resource: (*resource).into(),
        action: (*action).into(),
        effect: *effect,
    };
    let permissions = lines.iter().map(line).collect();
    let id = RoleId::new(Uuid::from_u128(number));
    Fact::Role {
        id,
        product: product.into(),
        name: format!("role-{number}"),
        permissions,
        built_in: false,
    }
}

fn product(slug: &str, alias: &str, declared: &[(&str, &str)], everyone: &[u128]) -> Fact {
    let pair = |(resource, action): &(&str, &str)| (String::from(*resource), String::from(*action));
    Fact::Product {
        demands: Vec::new(),
        slug: slug.into(),
        aliases: vec![alias.into()],
        declared: declared.iter().map(pair).collect(),
        everyone: everyone
            .iter()
            .map(|number| RoleId::new(Uuid::from_u128(*number)))
            .collect(),
        routes: vec![],
    }
}

fn products_and_roles() -> Vec<Fact> {
    use Effect::Allow;
    vec![
        product(
            "midaz",
            "old-midaz",
            &[("accounts", "get"), ("holders", "get")],
            &[],
        ),
        product("plugin-crm", "crm", &[("holders", "get")], &[]),
        product(
            "gatepost",
            "plugin-identity",
            &[("update-password", "patch")],
            &[3],
        ),
        product("gatepost-system", "none", &[("organizations", "get")], &[]),
        role(
            1,
            "midaz",
            &[("accounts", "*", Allow), ("holders", "get", Allow)],
        ),
        role(3, "gatepost", &[("update-password", "patch", Allow)]),
        role(4, "gatepost-system", &[("*", "*", Allow)]),
        role(5, "midaz", &[("accounts", "get", Allow)]),
    ]
}

/// Ann is in a group that may all of midaz's accounts but delete them; a machine may read them.
fn house(status: Status) -> World {
    let active = Status::Active;
    let id = OrganizationId::new(world::ORGANIZATION);
    let (user, group) = (UserId::new(ANN), GroupId::new(GROUP));
    let application = ApplicationId::new(MACHINE);
    let grant = |subject, number| Fact::Grant {
        subject,
        role: RoleId::new(Uuid::from_u128(number)),
        until: None,
        limits: Vec::new(),
    };
    let system = products_and_roles();
    let organization = vec![
        Fact::Organization {
            id,
            slug: "o".into(),
            name: "O".into(),
            status,
        },
        Fact::User {
            id: user,
            username: "ann".into(),
            display_name: "Ann".into(),
            status: active,
        },
        Fact::Group {
            id: group,
            name: "editors".into(),
            built_in: false,
        },
        Fact::Member {
            group,
            member: Member::User(user),
        },
        Fact::Application {
            id: application,
            name: "midaz".into(),
            client_id: "c".into(),
            status: active,
        },
        role(2, "old-midaz", &[("accounts", "delete", Effect::Deny)]),
        grant(GrantSubject::Group(group), 1),
        grant(GrantSubject::User(user), 2),
        grant(GrantSubject::User(user), 4),
        grant(GrantSubject::Application(application), 5),
    ];
    World {
        id,
        system,
        organization,
        single_tenant: false,
        now_s: world::NOW_S,
    }
}

/// Name, subject, product (`-` for none), resource, action, reason.
const CASES: &str = "\
through a group|ANN|midaz|accounts|get|Granted
by an alias|ANN|old-midaz|accounts|get|Granted
any action|ANN|midaz|accounts|never-declared|Granted
deny wins, also under an alias|ANN|midaz|accounts|delete|Denied
no grant|ANN|midaz|ledgers|get|NoGrant
no prefix|ANN|midaz|account|get|NoGrant
no case folding|ANN|midaz|Accounts|get|NoGrant
empty|ANN|midaz|||NoGrant
a star asks for a name|ANN|midaz|*|get|NoGrant
unknown product|ANN|nothing|accounts|get|UnknownProduct
one product declares it|ANN|-|accounts|get|Granted
two declare it, one grants it|ANN|-|holders|get|NoGrant
none declares it|ANN|-|accounts|post|UnknownPermission
everyone|ANN|gatepost|update-password|patch|Granted
everyone is people|BOT|gatepost|update-password|patch|NoGrant
not here|ANN|gatepost-system|organizations|get|NoGrant
does not count here|ANN|-|organizations|get|UnknownPermission
a machine is itself|BOT|midaz|accounts|get|Granted
and no more|BOT|midaz|accounts|post|NoGrant
unknown|NOBODY|midaz|accounts|get|SubjectUnknown";

#[test]
fn cases() {
    let built = house(Status::Active).build();
    for case in CASES.lines() {
        let [_, subject, product, resource, action, reason] =
            case.split('|').collect::<Vec<_>>().try_into().unwrap();
        let subject = match subject {
            "ANN" => Subject::User(UserId::new(ANN)),
            "BOT" => Subject::Application(ApplicationId::new(MACHINE)),
            _ => Subject::User(UserId::new(MACHINE)),
        };
        let product = (product != "-").then_some(product);
        let decision = decide(built.view(), subject, about(product, resource, action));
        assert_eq!(format!("{:?}", decision.reason), reason, "{case}");
        assert_eq!(decision.allowed, reason == "Granted", "{case}");
    }
}

#[test]
fn what_rules_the_installation_counts_where_it_is_ruled() {
    let ann = Subject::User(UserId::new(ANN));
    let mut world = house(Status::Active);
    world.single_tenant = true;
    for product in [Some("gatepost-system"), None] {
        let question = about(product, "organizations", "get");
        assert!(decide(world.build().view(), ann, question).allowed);
    }
}

#[test]
fn the_suspended_may_nothing() {
    let ann = Subject::User(UserId::new(ANN));
    let question = about(Some("midaz"), "accounts", "get");
    let built = house(Status::Suspended).build();
    let decision = decide(built.view(), ann, question);
    assert_eq!(decision.reason, Reason::OrganizationSuspended);
    assert!(permissions_of(built.view(), ann).is_empty());
    let mut world = house(Status::Active);
    for fact in &mut world.organization {
        if let Fact::User { status, .. } = fact {
            *status = Status::Suspended;
        }
    }
    assert_eq!(
        decide(world.build().view(), ann, question).reason,
        Reason::SubjectSuspended
    );
}

#[test]
fn permissions_by_resource() {
    let built = house(Status::Active).build();
    let permissions = permissions_of(built.view(), Subject::User(UserId::new(ANN)));
    let told = serde_json::to_string(&permissions).unwrap();
    assert_eq!(
        told,
        r#"{"accounts":["get"],"holders":["get"],"update-password":["patch"]}"#
    );
    let roles = roles_of(built.view(), Subject::User(UserId::new(ANN)));
    let roles: Vec<u128> = roles
        .into_iter()
        .map(|role| role.uuid().as_u128())
        .collect();
    assert_eq!(roles, [1, 2, 3, 4]);
}

/// More roles than a set of them has bits: those that share one are told apart all the same.
#[test]
fn more_roles_than_bits() {
    const ROLES: u128 = 600;
    let mut facts = house(Status::Active).organization;
    for number in 0..ROLES {
        let (role, group) = (RoleId::new(id(5, number)), GroupId::new(id(6, number)));
        let user = UserId::new(id(7, number));
        let line = |action: &str, effect| RolePermission {
            resource: format!("shelf-{number}"),
            action: action.into(),
            effect,
        };
        facts.extend([
            Fact::Role {
                id: role,
                product: "midaz".into(),
                name: format!("role-{number}"),
                permissions: vec![line("get", Effect::Allow), line("put", Effect::Deny)],
                built_in: false,
            },
            Fact::Group {
                id: group,
                name: format!("group-{number}"),
                built_in: false,
            },
            Fact::User {
                id: user,
                username: format!("user-{number}"),
                display_name: String::new(),
                status: Status::Active,
            },
            Fact::Member {
                group,
                member: Member::User(user),
            },
            Fact::Grant {
                subject: GrantSubject::Group(group),
                role,
                until: None,
                limits: Vec::new(),
            },
        ]);
    }
    let mut world = house(Status::Active);
    world.organization = facts;
    let built = world.build();
    for number in 0..ROLES {
        let user = Subject::User(UserId::new(id(7, number)));
        for other in [0, number % 256, number, (number + 256) % ROLES] {
            let shelf = format!("shelf-{other}");
            let reason = |action| decide(built.view(), user, about(Some("midaz"), &shelf, action));
            let expected = if other == number {
                (Reason::Granted, Reason::Denied)
            } else {
                (Reason::NoGrant, Reason::NoGrant)
            };
            assert_eq!((reason("get").reason, reason("put").reason), expected);
        }
    }
}

fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128(kind << 96 | number)
}
