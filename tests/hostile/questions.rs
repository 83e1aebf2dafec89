//! Questions that nobody should ask: each is answered for a documented reason, at a bounded cost,
//! and nobody else feels it.

use gatepost_core::{Effect, RoleId, RolePermission, Status};
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::AuthorizeRequest;
use gatepost_store::{Grant, Role};
use reqwest::Method;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use tonic::Code;

use crate::calls::{fresh, make};
use crate::panics;
use crate::wire::{assert_problem, head, raw};
use crate::world::{Actor, Answer, World};

async fn ask(world: &World, actor: &Actor, question: Value) -> Answer {
    world
        .call(actor, Method::POST, "/v1/authorize", question)
        .await
}

fn question(product: &str, resource: &str, action: &str) -> Value {
    json!({"product": product, "resource": resource, "action": action})
}

/// Attributes with one value for each of so many names.
fn attributes(count: usize, name: &str, value: &str) -> Value {
    let pair = |number| (format!("{name}{number}"), json!(value));
    Value::Object((0..count).map(pair).collect::<Map<_, _>>())
}

#[tokio::test]
async fn names_that_nobody_has_are_a_no_with_its_reason() {
    let (world, panics) = (World::start().await, panics::watch());
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let long = "x".repeat(100);
    for (question, reason) in [
        (question("nowhere", "accounts", "get"), "unknown_product"),
        (question(&long, "accounts", "get"), "unknown_product"),
        (question("MIDAZ", "accounts", "get"), "unknown_product"),
        (question("midaz", "nothing", "get"), "permission"),
        (question("midaz", "accounts", "nothing"), "permission"),
        (question("midaz", &long, &long), "permission"),
        (question("midaz", "*", "*"), "permission"),
        (question("midaz", "accounts' OR 1=1--", "get"), "permission"),
        (question("", "nothing", "nothing"), "unknown_permission"),
        (
            question("gatepost-system", "organizations", "get"),
            "permission",
        ),
    ] {
        let answer = ask(&world, &alice, question.clone()).await;
        assert_eq!(answer.status.as_u16(), 200, "{question}: {}", answer.body);
        let got = (&answer.body["authorized"], &answer.body["reason"]);
        assert_eq!(got, (&json!(false), &json!(reason)), "{question}");
    }
    for question in [
        question("midaz", "", "get"),
        question("midaz", "accounts", ""),
        question("midaz", &"x".repeat(101), "get"),
        question("midaz", "a\0b", "get"),
        question(&"x".repeat(101), "accounts", "get"),
        json!({}),
    ] {
        let answer = ask(&world, &alice, question.clone()).await;
        assert_problem(&answer, &question.to_string());
        assert_eq!(answer.reason(), "INVALID_REQUEST", "{question}");
    }
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn attributes_are_few_and_short() {
    let (world, panics) = (World::start().await, panics::watch());
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let with = |attributes: Value| {
        let mut question = question("midaz", "accounts", "get");
        question["attributes"] = attributes;
        question
    };
    let most = with(attributes(32, &"n".repeat(98), &"v".repeat(300)));
    let answer = ask(&world, &alice, most).await;
    assert_eq!(answer.body["reason"], "granted", "{}", answer.body);
    for (what, bad, reason) in [
        ("33", attributes(33, "a", "v"), "INVALID_REQUEST"),
        ("10,000", attributes(10_000, "a", "v"), "INVALID_REQUEST"),
        (
            "a long name",
            attributes(1, &"n".repeat(100), "v"),
            "INVALID_REQUEST",
        ),
        (
            "a long value",
            attributes(1, "a", &"v".repeat(301)),
            "INVALID_REQUEST",
        ),
        ("no name", json!({"": "v"}), "INVALID_REQUEST"),
        ("no text", json!({"a": 1}), "INVALID_REQUEST"),
        ("a list", json!({"a": ["v"]}), "INVALID_REQUEST"),
        (
            "900 kB",
            attributes(1, "a", &"v".repeat(900_000)),
            "INVALID_REQUEST",
        ),
        (
            "1 MiB",
            attributes(1, "a", &"v".repeat(1 << 20)),
            "BODY_TOO_LARGE",
        ),
    ] {
        let answer = ask(&world, &alice, with(bad)).await;
        assert_problem(&answer, what);
        assert_eq!(answer.reason(), reason, "{what}");
    }
    let request = AuthorizeRequest {
        product: "midaz".to_owned(),
        resource: "accounts".to_owned(),
        action: "get".to_owned(),
        attributes: [("a".to_owned(), "v".repeat(1 << 20))].into(),
        ..AuthorizeRequest::default()
    };
    let status = alice
        .client
        .authorize()
        .authorize(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn nothing_in_the_metadata_changes_a_decision() {
    let world = World::start().await;
    let alice = world.person("alice", &[]).await;
    let admin = format!("default/{}", world.admin.id);
    for (name, value) in [
        ("x-gatepost-subject", admin.as_str()),
        ("gatepost-subject", &admin),
        ("x-gatepost-decision", "allow"),
        ("x-user-id", &world.admin.id),
        ("x-forwarded-user", "admin"),
        ("x-envoy-auth-partial-body", "true"),
        ("gatepost-authorized", "true"),
        ("gatepost-attributes", "ledger_id=1"),
        ("x-http-method-override", "GET"),
        ("grpc-timeout", "1n"),
        ("te", "trailers"),
    ] {
        let request = world
            .request(Method::POST, "/v1/authorize")
            .bearer_auth(&alice.token);
        let request = request
            .header(name, value)
            .json(&question("midaz", "accounts", "get"));
        let answer = world.send(request).await;
        assert_eq!(
            answer.body["reason"], "permission",
            "{name}: {}",
            answer.body
        );
        let all = world
            .request(Method::GET, "/v1/users")
            .bearer_auth(&alice.token);
        let refused = world.send(all.header(name, value)).await;
        assert_eq!(refused.reason(), "PERMISSION_MISSING", "{name}");
    }
    // Two credentials are one too many, whichever of them would do.
    let first = format!("authorization: Bearer {}", alice.token);
    let second = format!("authorization: Bearer {}", world.admin.token);
    let two = head("GET", b"/v1/users", &[&first, &second]);
    let (status, _, body) = raw(&world, &two).await;
    assert_eq!((status, &body["reason"]), (401, &json!("TOKEN_INVALID")));
}

#[tokio::test]
async fn the_deepest_chain_of_groups_decides_and_there_is_no_deeper_one() {
    let world = World::start().await;
    let admin = &world.admin;
    let deepest = fresh("group");
    make(&world, admin, "/v1/groups", json!({"name": deepest})).await;
    let alice = world.person("alice", &[&deepest]).await;
    let mut top = deepest;
    let depth = loop {
        let parent = fresh("group");
        let body = json!({"name": parent, "groups": [top]});
        let answer = world.call(admin, Method::POST, "/v1/groups", body).await;
        if answer.status.as_u16() == 409 {
            assert_eq!(answer.reason(), "GROUP_TOO_DEEP", "{}", answer.body);
            break answer;
        }
        top = parent;
    };
    assert_problem(&depth, "one more");
    let path = format!("/v1/groups/{top}/roles/midaz-viewer-role");
    let given = world.call(admin, Method::PUT, &path, json!({})).await;
    assert_eq!(given.status.as_u16(), 204, "{}", given.body);
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    assert!(!world.may(&alice, "midaz", "accounts", "delete").await);
    // Nor does anybody try out a deeper one.
    let path = format!("/v1/groups/{top}");
    let top = world.get(admin, &path).await.is(200)["id"].clone();
    let id = "0198a9e2-0000-7000-8000-00000000000f";
    let changes = json!([
        {"group": {"id": id, "name": "deeper"}},
        {"member": {"groupId": id, "type": "group", "id": top}},
    ]);
    let body = json!({"changes": changes, "questions": []});
    let answer = world.post(admin, "/v1/authorize:simulate", body).await;
    answer.refuses(ErrorReason::GroupTooDeep);
}

#[tokio::test]
async fn a_role_of_a_hundred_thousand_permissions_costs_its_holder_and_nobody_else() {
    const PERMISSIONS: usize = 100_000;
    let (world, panics) = (World::start().await, panics::watch());
    let alice = world.person("alice", &[]).await;
    let bob = world.person("bob", &["midaz-viewer-group"]).await;
    let line = |number: usize| RolePermission {
        resource: format!("resource-{number}"),
        action: if number.is_multiple_of(2) { "get" } else { "*" }.to_owned(),
        effect: if number.is_multiple_of(3) {
            Effect::Deny
        } else {
            Effect::Allow
        },
    };
    let role = Role {
        id: RoleId::new(uuid::Uuid::from_u128(7)),
        product: "midaz".to_owned(),
        name: "huge".to_owned(),
        name_key: "huge".to_owned(),
        description: String::new(),
        permissions: (0..PERMISSIONS).map(line).collect(),
        built_in: false,
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    // No call carries as much at once; a hundred of them would.
    let user = alice.id.parse().unwrap();
    world
        .change(&world.admin, async |scope| {
            let found = scope.users().get(user).await.unwrap().unwrap();
            assert_eq!(found.status, Status::Active);
            scope.roles().insert(&role).await.unwrap();
            let grant = Grant::plain(gatepost_core::GrantSubject::User(user), role.id);
            scope.grants().give(&grant).await.unwrap();
        })
        .await;
    for number in 0..100 {
        let name = format!("resource-{}", number * 997);
        let (may, denied) = ((number * 997) % 3 != 0, (number * 997) % 3 == 0);
        let answer = ask(&world, &alice, question("midaz", &name, "get")).await;
        assert_eq!(answer.body["authorized"], may, "{name}: {}", answer.body);
        assert_eq!(answer.body["reason"] == "denied", denied, "{name}");
        assert!(world.may(&bob, "midaz", "accounts", "get").await);
    }
    // Over the API a role stays within its limits.
    let many: Vec<Value> = (0..1001)
        .map(|number| json!({"resource": format!("r{number}"), "action": "get"}))
        .collect();
    let body = json!({"name": "large", "product": "midaz", "permissions": many});
    let answer = world
        .call(&world.admin, Method::POST, "/v1/roles", body)
        .await;
    assert_problem(&answer, "1,001 permissions");
    assert_eq!(panics::seen(), panics);
}
