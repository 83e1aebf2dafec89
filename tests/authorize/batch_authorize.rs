//! `BatchAuthorize`.

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/v1/authorize:batch";

fn question(resource: &str, action: &str) -> Value {
    json!({"resource": resource, "action": action})
}

#[tokio::test]
async fn every_question_has_the_answer_that_it_has_alone() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let pairs = [
        ("accounts", "get"),
        ("accounts", "post"),
        ("nothing", "get"),
        ("ledgers", "get"),
        ("ledgers", "delete"),
    ];
    let questions: Vec<Value> = pairs.iter().map(|(r, a)| question(r, a)).collect();
    let body = json!({"product": "midaz", "questions": questions});
    let batch = world.post(&alice, PATH, body).await.is(200).clone();
    let answers = batch["answers"].as_array().unwrap();
    assert_eq!(answers.len(), pairs.len());
    for ((resource, action), answer) in pairs.iter().zip(answers) {
        let one = json!({"product": "midaz", "resource": resource, "action": action});
        let alone = world
            .post(&alice, "/v1/authorize", one)
            .await
            .is(200)
            .clone();
        assert_eq!(
            answer["authorized"], alone["authorized"],
            "{resource}:{action}"
        );
        assert_eq!(answer["reason"], alone["reason"], "{resource}:{action}");
        assert_eq!(answer["error"], Value::Null);
        assert_eq!(batch["revision"], alone["revision"]);
    }
    assert_eq!(
        (&answers[0]["authorized"], &answers[1]["authorized"]),
        (&json!(true), &json!(false))
    );
    assert!(!batch["decisionId"].as_str().unwrap().is_empty());
    assert!(batch["freshness"]["boundMs"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_spoils_no_other() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let long = "x".repeat(101);
    let stranger = format!("default/{}", world.admin.id);
    let questions = json!([
        question("accounts", "get"),
        question("", "get"),
        question("accounts", &long),
        {"sub": stranger, "resource": "accounts", "action": "get"},
        {"product": "nowhere", "resource": "accounts", "action": "get"},
        question("accounts", "get"),
    ]);
    let body = json!({"product": "midaz", "questions": questions});
    let batch = world.post(&alice, PATH, body).await.is(200).clone();
    let seen: Vec<(bool, &str, &str)> = batch["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned().leak() as &str;
            (
                answer["authorized"].as_bool().unwrap(),
                text(&answer["reason"]),
                text(&answer["error"]["reason"]),
            )
        })
        .collect();
    let expected = [
        (true, "granted", ""),
        (false, "", ErrorReason::InvalidRequest.name()),
        (false, "", ErrorReason::InvalidRequest.name()),
        (false, "", ErrorReason::SubjectForeign.name()),
        (false, "unknown_product", ""),
        (true, "granted", ""),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_batch_has_limits() {
    let world = World::start().await;
    let many = |count| json!({"product": "midaz", "questions": vec![question("a", "b"); count]});
    let full = world
        .post(&world.admin, PATH, many(1_000))
        .await
        .is(200)
        .clone();
    assert_eq!(full["answers"].as_array().unwrap().len(), 1_000);
    for count in [0, 1_001] {
        let refused = world
            .post(&world.admin, PATH, many(count))
            .await
            .is(400)
            .clone();
        assert_eq!(refused["field"], "questions");
    }
    // A hundred thousand do not even fit into a message.
    world.post(&world.admin, PATH, many(100_000)).await.is(413);
}
