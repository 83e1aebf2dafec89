//! Too much at once, in one message or in many: refused as a whole before any of it is answered,
//! and nobody else feels it.

use futures::future::join_all;
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::{BatchAuthorizeRequest, Question};
use serde_json::{Value, json};
use tonic::Code;

use crate::panics;
use crate::wire::assert_problem;
use crate::world::{Actor, World};

/// How many different questions the organization of an administrator was asked of late.
async fn asked(world: &World, admin: &Actor) -> u64 {
    let group = json!({"id": "0198a9e2-0000-7000-8000-0000000000ac", "name": "nobody"});
    let body = json!({"changes": [{"group": group}], "recorded": true});
    let answer = world.post(admin, "/v1/authorize:simulate", body).await;
    answer.is(200)["asked"].as_u64().unwrap()
}

#[tokio::test]
async fn of_a_hundred_thousand_questions_at_once_none_is_asked() {
    const MANY: usize = 100_000;
    let (world, panics) = (World::start().await, panics::watch());
    let admin = &world.admin;
    let question = |number: usize| json!({"resource": "a", "action": number.to_string()});
    let full: Vec<Value> = (0..MANY).map(question).collect();
    // What is left out is taken from the whole, so that these fit into a message.
    let bare = vec![json!({}); MANY];
    for (path, list) in [
        ("/v1/authorize:batch", "questions"),
        ("/access/v1/evaluations", "evaluations"),
    ] {
        for (many, status) in [(&full, 413), (&bare, 400)] {
            let mut body = json!({"product": "midaz"});
            if list == "evaluations" {
                body = json!({
                    "subject": {"type": "user", "id": admin.id},
                    "resource": {"type": "midaz/accounts", "id": "1"},
                    "action": {"name": "get"},
                });
            }
            body[list] = many.clone().into();
            let answer = world.post(admin, path, body).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        }
    }
    let one = Question {
        resource: "a".to_owned(),
        action: "b".to_owned(),
        ..Question::default()
    };
    let request = BatchAuthorizeRequest {
        questions: vec![one; MANY],
        ..BatchAuthorizeRequest::default()
    };
    let mut client = admin.client.authorize();
    let status = client.batch_authorize(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(asked(&world, admin).await, 0);
    // It does count what is asked.
    let some = json!({"product": "midaz", "questions": full[..100]});
    world.post(admin, "/v1/authorize:batch", some).await.is(200);
    assert!(asked(&world, admin).await > 0);
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn one_tenants_flood_is_turned_away_and_another_is_answered() {
    const FLOOD: usize = 64;
    let (world, panics) = (World::start_multi_tenant().await, panics::watch());
    let (alpha, beta) = (
        world.organization("alpha").await,
        world.organization("beta").await,
    );
    let alice = world
        .person_of(&beta, "alice", &["midaz-viewer-group"])
        .await;
    // A small message, and much work: each name is compared with those of all groups so far.
    let group = |number: usize| {
        let id = format!("0198a9e2-0000-7000-8000-{number:012x}");
        json!({"group": {"id": id, "name": format!("{number}-{}", "\u{e9}".repeat(80))}})
    };
    let groups: Vec<Value> = (0..100).map(group).collect();
    let body = json!({"changes": groups});
    let flood =
        join_all((0..FLOOD).map(|_| world.post(&alpha, "/v1/authorize:simulate", body.clone())));
    let search = json!({"product": "midaz", "resource": "accounts", "action": "get", "limit": 50});
    let others = async {
        for _ in 0..10 {
            assert!(world.may(&alice, "midaz", "accounts", "get").await);
            // Beside the decisions, where the flood is.
            let found = world.post(&beta, "/v1/authorize:search-subjects", search.clone());
            let found = found.await;
            assert_eq!(found.is(200)["subjects"].as_array().unwrap().len(), 2);
        }
    };
    let (answers, ()) = futures::join!(flood, others);
    let (mut answered, mut refused) = (0, 0);
    for answer in &answers {
        if answer.status.is_success() {
            assert_eq!(answer.body["flips"], json!([]));
            answered += 1;
        } else {
            answer.refuses(ErrorReason::Overloaded);
            assert_eq!(answer.header("retry-after"), "1");
            refused += 1;
        }
    }
    assert!(
        answered >= 16 && refused > 0,
        "{answered} answered, {refused} turned away"
    );
    // Afterwards there is room again.
    let later = world.post(&alpha, "/v1/authorize:simulate", body).await;
    later.is(200);
    assert_eq!(panics::seen(), panics);
}

#[tokio::test]
async fn a_megabyte_of_attributes_fits_into_no_question_on_any_face() {
    let (world, panics) = (World::start().await, panics::watch());
    let admin = &world.admin;
    let small = "v".repeat(300_000);
    let large = "v".repeat(1 << 20);
    let question = json!({"product": "midaz", "resource": "accounts", "action": "get"});
    let with = |mut body: Value, name: &str, value: &str| {
        body[name] = json!({"ledger_id": value});
        body
    };
    for path in [
        "/v1/authorize",
        "/v1/authorize:explain",
        "/v1/authorize:search-subjects",
    ] {
        for (value, reason) in [
            (&small, ErrorReason::InvalidRequest),
            (&large, ErrorReason::BodyTooLarge),
        ] {
            let body = with(question.clone(), "attributes", value);
            let answer = world.post(admin, path, body).await;
            assert_problem(&answer, path);
            answer.refuses(reason);
        }
    }
    let evaluation = json!({
        "subject": {"type": "user", "id": admin.id},
        "resource": {"type": "midaz/accounts", "id": "1"},
        "action": {"name": "get"},
    });
    // An attribute that is too long is one that is missing there.
    for (value, status) in [(&small, 200), (&large, 413)] {
        let body = with(evaluation.clone(), "context", value);
        let answer = world.post(admin, "/access/v1/evaluation", body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    }
    assert_eq!(panics::seen(), panics);
}
