use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::decide::{Question, decide};
use crate::fact::{AttributeLimit, Fact, GrantSubject, Status};
use crate::id::{OrganizationId, RoleId, UserId};
use crate::oracle::world::{self, NAMES, World};
use crate::terms::NO_ATTRIBUTES;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What one may give, one may do: nobody gets from another what that one could not do.
    #[test]
    fn nothing_is_given_that_is_lacked(
        world in world::world(), actor in world::subject(), given in world::permissions(),
        until in prop::option::of(world::NOW_S + 1..world::NOW_S + 4),
    ) {
        let built = world.build();
        // The last second at which what is given counts; for ever is far away.
        let last = View { now_s: until.map_or(i64::MAX, |until| until - 1), ..built.view() };
        for product in [PRODUCT_GATEPOST, PRODUCT_SYSTEM] {
            if permissions_exceed(built.view(), actor, product, &given, until).is_some() {
                continue;
            }
            for (resource, action) in NAMES.iter().flat_map(|a| NAMES.iter().map(move |b| (a, b))) {
                let matches = |line: &&RolePermission| {
                    line.effect == Effect::Allow
                        && (line.resource == ANY || line.resource == **resource)
                        && (line.action == ANY || line.action == **action)
                };
                if given.iter().any(|line| matches(&line)) {
                    let product = Some(product);
                    let attributes = &NO_ATTRIBUTES;
                    let question = Question { product, resource, action, attributes };
                    prop_assert!(decide(built.view(), actor, question).allowed);
                    prop_assert!(decide(last, actor, question).allowed);
                }
            }
        }
    }
}

/// Whether the actor may act in the place of somebody who holds this role.
fn may_take_over(view: View<'_>, actor: Subject, role: RoleId, until: Option<i64>) -> bool {
    let role = view.role(role).unwrap();
    lacks_to_take_over(view, actor, role.product(), &role.permissions(), until).is_none()
}

/// Lines of Gatepost's own, and some that nobody has.
fn lines_of_gatepost() -> impl Strategy<Value = Vec<RolePermission>> {
    let resource = prop::sample::select(vec!["users", "grants", "snapshots", "nothing", ANY]);
    let action = prop::sample::select(vec!["get", "delete", "midaz", ANY]);
    let effect = prop::sample::select(vec![Effect::Allow, Effect::Deny]);
    let line = (resource, action, effect).prop_map(|(resource, action, effect)| RolePermission {
        resource: resource.to_owned(),
        action: action.to_owned(),
        effect,
    });
    prop::collection::vec(line, 0..6)
}

proptest! {
    /// Looking up says what comparing each line with each other line would say.
    #[test]
    fn looking_up_agrees_with_comparing(held in lines_of_gatepost(), given in lines_of_gatepost()) {
        let is = |line: &RolePermission, effect| line.effect == effect;
        for given in &given {
            let covers = |held: &RolePermission| {
                let covers = |held: &str, given: &str| held == ANY || held == given;
                covers(&held.resource, &given.resource) && covers(&held.action, &given.action)
            };
            let meets = |held: &RolePermission| {
                common(&held.resource, &given.resource).is_some()
                    && common(&held.action, &given.action).is_some()
            };
            let covered = held.iter().any(|held| is(held, Effect::Allow) && covers(held));
            let excepted = held.iter().any(|held| is(held, Effect::Deny) && meets(held));
            prop_assert_eq!(Held::of(&held).covers(given), covered && !excepted);
        }
    }

    /// A deny is what it has in common with each line that there is.
    #[test]
    fn a_deny_is_spelled_out(denies in lines_of_gatepost()) {
        let built = house(&[]).build();
        let declared = [
            ("users", "get"), ("users", "delete"), ("snapshots", ANY), ("grants", ANY),
        ];
        let both = denies.iter().flat_map(|deny| {
            declared.iter().filter_map(|(resource, action)| {
                let resource = common(resource, &deny.resource)?;
                Some((resource.to_owned(), common(action, &deny.action)?.to_owned()))
            })
        });
        let expected: BTreeSet<(String, String)> = both.collect();
        let found = denied(built.view(), PRODUCT_GATEPOST, &Lines::of(&denies));
        let found: Vec<_> = found.into_iter().map(|line| (line.resource, line.action)).collect();
        prop_assert_eq!(found.len(), expected.len(), "nothing twice");
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

const ACTOR: Uuid = Uuid::from_u128(1);

/// An actor with these lines of `gatepost`, beside roles numbered from 100 to give.
fn house(held: &[(&str, &str, Effect)]) -> World {
    let id = OrganizationId::new(world::ORGANIZATION);
    let role = |number: u128, product: &str, held: &[(&str, &str, Effect)]| Fact::Role {
        id: RoleId::new(Uuid::from_u128(number)),
        product: product.into(),
        name: "r".into(),
        permissions: lines(held),
        built_in: false,
    };
    let product = |slug: &str, alias: &str| Fact::Product {
        demands: Vec::new(),
        slug: slug.into(),
        aliases: vec![alias.into()],
        declared: [("users", "get"), ("users", "delete"), ("snapshots", ANY)]
            .map(|(resource, action)| (resource.into(), action.into()))
            .into(),
        everyone: vec![],
        routes: vec![],
    };
    let allow = Effect::Allow;
    let system = vec![
        product("gatepost", "plugin-identity"),
        product("gatepost-system", "none"),
        product("midaz", "old-midaz"),
        role(100, "gatepost", &[("users", "get", allow)]),
        role(101, "gatepost", &[("users", "*", allow)]),
        role(102, "midaz", &[("accounts", "get", allow)]),
        role(103, "gatepost-system", &[("organizations", "get", allow)]),
    ];
    let user = UserId::new(ACTOR);
    let organization = vec![
        Fact::Organization {
            id,
            slug: "o".into(),
            name: "O".into(),
            status: Status::Active,
        },
        Fact::User {
            id: user,
            username: "ann".into(),
            display_name: String::new(),
            status: Status::Active,
        },
        role(1, "gatepost", held),
        role(104, "plugin-identity", &[("groups", "get", allow)]),
        role(105, "gatepost", &[("users", "get", Effect::Deny)]),
        role(106, "old-midaz", &[]),
        role(2, "gatepost-system", &[("*", "*", allow)]),
        Fact::Grant {
            subject: GrantSubject::User(user),
            role: RoleId::new(Uuid::from_u128(1)),
            until: None,
            limits: vec![],
        },
        Fact::Grant {
            subject: GrantSubject::User(user),
            role: RoleId::new(Uuid::from_u128(2)),
            until: None,
            limits: vec![],
        },
    ];
    World {
        id,
        system,
        organization,
        single_tenant: false,
        now_s: world::NOW_S,
    }
}

fn lines(lines: &[(&str, &str, Effect)]) -> Vec<RolePermission> {
    let line = |(resource, action, effect): &(&str, &str, Effect)| RolePermission {
        resource: (*resource).into(),
        action: (*action).into(),
        effect: *effect,
    };
    lines.iter().map(line).collect()
}

const USERS_ANY: (&str, &str, Effect) = ("users", "*", Effect::Allow);

type Named = &'static [(&'static str, &'static str, Effect)];

#[test]
fn cases() {
    use Effect::{Allow, Deny};
    let actor = Subject::User(UserId::new(ACTOR));
    let cases: [(&str, Named, u128, bool); 15] = [
        ("what one has", &[("users", "get", Allow)], 100, true),
        ("what one lacks", &[("users", "post", Allow)], 100, false),
        ("a part of what one has", &[USERS_ANY], 100, true),
        (
            "a wildcard needs a wildcard",
            &[("users", "get", Allow)],
            101,
            false,
        ),
        ("a wildcard by a wildcard", &[USERS_ANY], 101, true),
        ("a wildcard by a wider one", &[("*", "*", Allow)], 101, true),
        (
            "a wildcard with an exception",
            &[USERS_ANY, ("users", "get", Deny)],
            101,
            false,
        ),
        (
            "an exception elsewhere",
            &[USERS_ANY, ("groups", "*", Deny)],
            101,
            true,
        ),
        (
            "the exception itself",
            &[USERS_ANY, ("*", "get", Deny)],
            100,
            false,
        ),
        ("a role under an alias", &[USERS_ANY], 104, false),
        ("a deny needs nothing", &[], 105, true),
        ("another product", &[("grants", "midaz", Allow)], 102, true),
        (
            "another product without",
            &[("grants", "reporter", Allow)],
            102,
            false,
        ),
        (
            "another product under an alias",
            &[("grants", "*", Allow)],
            106,
            true,
        ),
        (
            "no wildcard reaches the installation",
            &[("*", "*", Allow)],
            103,
            false,
        ),
    ];
    for (name, held, role, may) in cases {
        let built = house(held).build();
        let role = RoleId::new(Uuid::from_u128(role));
        assert_eq!(
            may_take_over(built.view(), actor, role, None),
            may,
            "{name}"
        );
    }
}

#[test]
fn tells_what_is_missing() {
    let actor = Subject::User(UserId::new(ACTOR));
    let built = house(&[]).build();
    let role = |number| RoleId::new(Uuid::from_u128(number));
    let missing = Permission::new("gatepost", "users", "get");
    let given = lines(&[
        ("users", "get", Effect::Deny),
        ("users", "get", Effect::Allow),
        ("users", "*", Effect::Allow),
    ]);
    let first = permissions_exceed(built.view(), actor, PRODUCT_GATEPOST, &given, None);
    assert_eq!(first, Some(missing));
    assert_eq!(
        permissions_exceed(built.view(), actor, "midaz", &given, None),
        None,
        "another rule's matter"
    );
    let mut world = house(&[]);
    assert!(!may_take_over(world.build().view(), actor, role(103), None));
    world.single_tenant = true;
    assert!(may_take_over(world.build().view(), actor, role(103), None));
}

#[test]
fn whoever_takes_a_deny_away_must_hold_what_it_denied() {
    let (allow, deny) = (Effect::Allow, Effect::Deny);
    let missing = |held: &[(&str, &str, Effect)], denied: &[(&str, &str, Effect)]| {
        let built = house(held).build();
        let actor = Subject::User(UserId::new(ACTOR));
        let missing = change_exceeds(built.view(), actor, PRODUCT_GATEPOST, &lines(denied), None);
        missing.map(|permission| permission.to_string())
    };
    let all_users = [("users", "*", allow)];
    let no_deletes = [("users", "*", allow), ("users", "delete", deny)];
    let delete = Some("gatepost/users:delete".to_owned());
    assert_eq!(missing(&all_users, &[("users", "delete", deny)]), None);
    assert_eq!(missing(&no_deletes, &[("users", "delete", deny)]), delete);
    assert_eq!(missing(&no_deletes, &[("*", "delete", deny)]), delete);
    // A wildcard is as much as the product declares of it.
    assert_eq!(missing(&all_users, &[("users", "*", deny)]), None);
    let midaz = Some("gatepost/grants:midaz".to_owned());
    assert_eq!(missing(&all_users, &[("*", "midaz", deny)]), midaz);
    assert_eq!(missing(&all_users, &[("nothing", "known", deny)]), None);
    assert_eq!(
        missing(&all_users, &[("groups", "get", allow)]),
        Some("gatepost/groups:get".into())
    );
}

#[test]
fn nobody_gives_for_longer_than_they_hold() {
    let actor = Subject::User(UserId::new(ACTOR));
    let role = |number| RoleId::new(Uuid::from_u128(number));
    let held = [
        ("users", "get", Effect::Allow),
        ("grants", "midaz", Effect::Allow),
    ];
    let with = |end: Option<i64>, within: &[AttributeLimit]| {
        let mut world = house(&held);
        for fact in &mut world.organization {
            if let Fact::Grant { until, limits, .. } = fact {
                *until = end;
                *limits = within.to_vec();
            }
        }
        world.build()
    };
    let end = world::NOW_S + 10;
    for number in [100, 102] {
        let may = |held: Option<i64>, given| {
            may_take_over(with(held, &[]).view(), actor, role(number), given)
        };
        assert!(may(None, None) && may(None, Some(end)));
        assert!(may(Some(end), Some(end)) && may(Some(end), Some(end - 1)));
        assert!(!may(Some(end), Some(end + 1)) && !may(Some(end), None));
        assert!(!may(Some(world::NOW_S), Some(world::NOW_S - 1)));
        let limited = [AttributeLimit {
            attribute: "ledger".into(),
            values: vec!["x".into()],
        }];
        assert!(!may_take_over(
            with(None, &limited).view(),
            actor,
            role(number),
            Some(end)
        ));
    }
}
