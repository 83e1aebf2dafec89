//! Terms of grants that want too much: of time, of memory, of a database.

use reqwest::Method;
use serde_json::{Value, json};
use tonic::Code;

use gatepost_proto::identity::v1::{AttributeLimit, GrantUserRoleRequest};
use gatepost_proto::timestamp::Timestamp;

use crate::panics;
use crate::wire::assert_problem;
use crate::world::World;

fn limits(count: usize) -> Vec<Value> {
    let limit = |number| json!({"attribute": format!("a{number}"), "values": ["v"]});
    (0..count).map(limit).collect()
}

#[tokio::test]
async fn no_expiry_overflows() {
    let (world, panics) = (World::start().await, panics::watch());
    let alice = world.person("alice", &[]).await;
    let request = |seconds, nanos| GrantUserRoleRequest {
        id: alice.id.clone(),
        role: "midaz-viewer-role".to_owned(),
        expires_at: Some(Timestamp { seconds, nanos }),
        limits: Vec::new(),
    };
    let end = 253_402_300_799; // the last second of the year 9999
    for (seconds, nanos) in [
        (i64::MAX, 0),
        (i64::MAX, i32::MAX),
        (i64::MIN, i32::MIN),
        (end + 1, 0),
        (end, 1_000_000_000),
        (end, -1),
        (0, 0),
        (-1, 0),
    ] {
        let mut roles = world.admin.client.roles();
        let refused = roles.grant_user_role(request(seconds, nanos)).await;
        let status = refused.expect_err("a time that is none");
        assert_eq!(status.code(), Code::InvalidArgument, "{seconds}: {status}");
    }
    assert!(!world.may(&alice, "midaz", "accounts", "get").await);
    let mut roles = world.admin.client.roles();
    let given = roles.grant_user_role(request(end, 999_999_999)).await;
    given.unwrap();
    assert!(world.may(&alice, "midaz", "accounts", "get").await);
    let list = world
        .get(&world.admin, &format!("/v1/grants?subjectId={}", alice.id))
        .await;
    assert_eq!(list.body["items"][0]["expiresAt"], "9999-12-31T23:59:59Z");
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn terms_have_limits_of_their_own() {
    let (world, panics) = (World::start().await, panics::watch());
    let alice = world.person("alice", &[]).await;
    let path = format!("/v1/users/{}/roles/midaz-viewer-role", alice.id);
    let values = |count: usize| {
        (0..count)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    };
    let one = |attribute: &str, values: Vec<String>| {
        let limit = json!({"attribute": attribute, "values": values});
        json!({"limits": [limit]})
    };
    for (what, terms) in [
        ("10,000 limits", json!({"limits": limits(10_000)})),
        ("11 limits", json!({"limits": limits(11)})),
        ("1,001 values", one("a", values(1_001))),
        ("no values", one("a", Vec::new())),
        ("a long name", one(&"a".repeat(101), values(1))),
        ("a long value", one("a", vec!["v".repeat(301)])),
        ("nothing", one("", values(1))),
        ("a wildcard", one("*", values(1))),
        ("an unseen name", one("a\u{200b}", values(1))),
        ("NUL", one("a", vec!["\0".to_owned()])),
        (
            "an unknown field",
            json!({"limits": [{"attribute": "a", "values": ["v"], "deny": true}]}),
        ),
        ("no list", json!({"limits": {"a": "v"}})),
    ] {
        let answer = world.call(&world.admin, Method::PUT, &path, terms).await;
        assert_problem(&answer, what);
        let refusal = (answer.status.as_u16(), answer.reason());
        assert_eq!(refusal, (400, "INVALID_REQUEST"), "{what}");
    }
    let megabyte = one("a", vec!["v".repeat(1 << 20)]);
    let answer = world.call(&world.admin, Method::PUT, &path, megabyte).await;
    assert_eq!(answer.reason(), "BODY_TOO_LARGE", "{}", answer.body);
    let list = format!("/v1/grants?subjectId={}", alice.id);
    let nothing = world.get(&world.admin, &list).await;
    assert_eq!(nothing.body["items"], json!([]));
    // What is within them is kept as it came, whatever a database might make of it.
    let texts = [
        "'; DROP TABLE grants;--",
        "%",
        "\\",
        "\"",
        "{}",
        "\u{1f98a}",
    ];
    let terms = json!({"limits": [{"attribute": "a", "values": texts}]});
    let answer = world.call(&world.admin, Method::PUT, &path, terms).await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.body);
    let kept = world.get(&world.admin, &list).await;
    let kept = kept.body["items"][0]["limits"][0]["values"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(kept.len(), texts.len());
    assert!(
        texts.iter().all(|text| kept.contains(&json!(text))),
        "{kept:?}"
    );
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn a_grpc_caller_gets_no_further() {
    let world = World::start().await;
    let request = GrantUserRoleRequest {
        id: world.admin.id.clone(),
        role: "midaz-viewer-role".to_owned(),
        expires_at: None,
        limits: vec![AttributeLimit::default(); 10_000],
    };
    let mut roles = world.admin.client.roles();
    let status = roles.grant_user_role(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
}
