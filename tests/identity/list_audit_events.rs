//! `ListAuditEvents`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{application, is_guarded, new_user};
use crate::world::{World, fields};

#[tokio::test]
async fn events_are_listed_newest_first_and_can_be_picked() {
    let world = World::start().await;
    let made = world
        .post(&world.admin, "/v1/users", new_user("alice", &[]))
        .await;
    let application = application(&world, &world.admin, json!({"name": "midaz"})).await;
    let list = async |query: &str| -> Vec<Value> {
        let path = format!("/v1/audit-events?limit=100{query}");
        let answer = world.get(&world.admin, &path).await;
        answer.is(200)["items"].as_array().unwrap().clone()
    };
    let all = list("").await;
    let revision = |event: &Value| event["revision"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(all.is_sorted_by_key(|event| u64::MAX - revision(event)));
    let names = [
        "action",
        "actorId",
        "actorName",
        "actorType",
        "address",
        "after",
        "hash",
        "id",
        "outcome",
        "reason",
        "requestId",
        "revision",
        "targetId",
        "targetType",
        "time",
    ];
    assert_eq!(fields(&all[0]), names);
    assert_eq!(
        (&all[0]["action"], &all[1]["action"]),
        (&json!("application.create"), &json!("user.create"),)
    );
    assert_eq!(
        (&all[0]["actorType"], &all[0]["actorName"]),
        (&json!("user"), &json!("admin"))
    );
    assert_eq!(all[0]["address"], "127.0.0.1");
    assert_eq!(all.last().unwrap()["actorType"], "operator");

    let by_target = list(&format!("&targetId={}", made.body["id"].as_str().unwrap())).await;
    assert_eq!(by_target, [all[1].clone()]);
    let by_action = list("&action=application.create").await;
    assert_eq!(by_action, [all[0].clone()]);
    assert_eq!(by_action[0]["targetId"], application["id"]);
    let by_actor = list(&format!("&actorId={}", world.admin.id)).await;
    assert_eq!(by_actor.len(), 3, "she signed in and made two things");
}

#[tokio::test]
async fn only_the_permitted_read_the_log() {
    let world = World::start().await;
    is_guarded(&world, Method::GET, "/v1/audit-events", json!({})).await;
}
