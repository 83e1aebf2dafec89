//! `Authorize`.

use gatepost_proto::ErrorReason;
use serde_json::{Value, json};

use crate::identity::{permissions, role};
use crate::world::{Actor, Answer, NOBODY, World, claims, fields};

async fn ask(world: &World, actor: &Actor, body: Value) -> Answer {
    world.post(actor, "/v1/authorize", body).await
}

/// A question about midaz's accounts on behalf of `sub`.
fn about(sub: &str, product: &str) -> Value {
    json!({"sub": sub, "product": product, "resource": "accounts", "action": "get"})
}

#[track_caller]
fn says(answer: &Answer, reason: &str) {
    assert_eq!(answer.is(200)["reason"], *reason, "{}", answer.body);
    assert_eq!(answer.body["authorized"], reason == "granted");
}

#[tokio::test]
async fn a_person_is_allowed_what_her_group_allows_and_nothing_else() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let yes = world.authorize(&alice, "midaz", "accounts", "get").await;
    says(&yes, "granted");
    let all = [
        "authorized",
        "decisionId",
        "freshness",
        "reason",
        "revision",
        "timestamp",
    ];
    assert_eq!(fields(&yes.body), all);
    assert_eq!(yes.body["revision"], *yes.header("gatepost-revision"));
    assert!(yes.body["timestamp"].as_str().unwrap().ends_with('Z'));
    let no = world.authorize(&alice, "midaz", "accounts", "delete").await;
    says(&no, "permission");
    assert_ne!(no.body["decisionId"], yes.body["decisionId"]);
    says(
        &world.authorize(&alice, "nowhere", "accounts", "get").await,
        "unknown_product",
    );
    // A wildcard in a question is a name like any other.
    says(
        &world.authorize(&alice, "midaz", "*", "get").await,
        "permission",
    );
    let empty = world.authorize(&alice, "midaz", "", "get").await;
    empty.refuses(ErrorReason::InvalidRequest);
}

#[tokio::test]
async fn a_person_may_name_herself_and_nobody_else() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let herself = format!("default/{}", alice.id);
    says(
        &ask(&world, &alice, about(&herself, "midaz")).await,
        "granted",
    );
    for other in [
        format!("default/{}", world.admin.id),
        format!("other/{}", alice.id),
        alice.id.clone(),
        "admin/midaz-editor-role".to_owned(),
    ] {
        let refused = ask(&world, &alice, about(&other, "midaz")).await;
        assert_eq!(refused.reason(), "SUBJECT_FOREIGN", "{other}");
        refused.refuses(ErrorReason::SubjectForeign);
    }
}

#[tokio::test]
async fn who_may_ask_about_others_gets_their_decision() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let machine = world.machine("worker", &["midaz-viewer-role"]).await;
    role(&world, &world.admin, "asker", "gatepost", &["subjects:ask"]).await;
    let asker = world.person("asker", &[]).await;
    let path = format!("/v1/users/{}/roles/asker", asker.id);
    world.put(&world.admin, &path).await.is(204);
    let subject = |id: &str| format!("default/{id}");
    says(
        &ask(&world, &asker, about(&subject(&alice.id), "midaz")).await,
        "granted",
    );
    says(
        &ask(&world, &asker, about(&subject(&machine.id), "midaz")).await,
        "granted",
    );
    says(
        &ask(&world, &asker, about(&subject(&asker.id), "midaz")).await,
        "permission",
    );
    for unknown in [
        subject(NOBODY),
        format!("other/{}", alice.id),
        "alice".to_owned(),
    ] {
        let answer = ask(&world, &asker, about(&unknown, "midaz")).await;
        answer.refuses(ErrorReason::SubjectUnknown);
        assert_eq!(answer.body["code"], "AUT-1015");
    }
}

#[tokio::test]
async fn from_a_machines_legacy_subject_only_the_product_is_read() {
    let world = World::start().await;
    let machine = world.machine("worker", &["midaz-viewer-role"]).await;
    let legacy = "admin/midaz-editor-role";
    says(&ask(&world, &machine, about(legacy, "")).await, "granted");
    says(
        &ask(&world, &machine, about(legacy, "midaz")).await,
        "granted",
    );
    let mut delete = about(legacy, "");
    delete["action"] = json!("delete");
    says(&ask(&world, &machine, delete).await, "permission");
    says(
        &ask(&world, &machine, about("admin/reporter-editor-role", "")).await,
        "permission",
    );
    let disagree = ask(&world, &machine, about(legacy, "reporter")).await;
    assert_eq!(disagree.is(200)["authorized"], false);
    let own = claims(&machine.token)["sub"].as_str().unwrap().to_owned();
    says(
        &ask(&world, &machine, about(&own, "midaz")).await,
        "granted",
    );
    let others = ask(&world, &machine, about("admin/midaz-viewer-role", "midaz")).await;
    others.refuses(ErrorReason::SubjectForeign);
    let reporter = world.machine("reporter", &[]).await;
    let alias = json!({
        "sub": "admin/plugin-smart-templates-editor-role", "product": "reporter",
        "resource": "templates", "action": "get",
    });
    says(&ask(&world, &reporter, alias).await, "granted");
}

#[tokio::test]
async fn without_a_product_every_one_that_declares_it_must_allow_it() {
    let world = World::start().await;
    let question = |resource: &str, action: &str| json!({"resource": resource, "action": action});
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    says(
        &ask(&world, &alice, question("accounts", "get")).await,
        "granted",
    );
    // Midaz and CRM both declare it, and she holds it in one of them.
    says(
        &ask(&world, &alice, question("holders", "get")).await,
        "permission",
    );
    says(
        &ask(&world, &alice, question("holders", "invented")).await,
        "unknown_permission",
    );
    let path = format!("/v1/groups/plugin-crm-viewer-group/members/{}", alice.id);
    world.put(&world.admin, &path).await.is(204);
    says(
        &ask(&world, &alice, question("holders", "get")).await,
        "granted",
    );
    let body = json!({
        "name": "no-holders", "product": "plugin-crm", "permissions": permissions(&["!holders:*"]),
    });
    world.post(&world.admin, "/v1/roles", body).await.is(201);
    let path = format!("/v1/users/{}/roles/no-holders", alice.id);
    world.put(&world.admin, &path).await.is(204);
    says(
        &ask(&world, &alice, question("holders", "get")).await,
        "denied",
    );
}

#[tokio::test]
async fn old_slugs_mean_the_products_that_took_their_place() {
    let world = World::start().await;
    let alice = world.person("alice", &["reporter-viewer-group"]).await;
    let old = world
        .authorize(&alice, "plugin-smart-templates", "reports", "get")
        .await;
    says(&old, "granted");
    let admin = world
        .authorize(&world.admin, "plugin-identity", "users", "post")
        .await;
    says(&admin, "granted");
    let oneself = world
        .authorize(&alice, "plugin-identity", "update-password", "patch")
        .await;
    says(&oneself, "granted");
    let others = world
        .authorize(&alice, "plugin-identity", "reset-password", "patch")
        .await;
    says(&others, "permission");
}

#[tokio::test]
async fn an_answer_is_never_older_than_asked() {
    let world = World::start().await;
    let now = world
        .authorize(&world.admin, "midaz", "accounts", "get")
        .await;
    let mut question = about("", "midaz");
    question["minRevision"] = json!(now.revision().to_string());
    ask(&world, &world.admin, question.clone()).await.is(200);
    question["minRevision"] = json!(now.revision() + 1000);
    let ahead = ask(&world, &world.admin, question).await;
    ahead.refuses(ErrorReason::RevisionAhead);
    let nobody = world.post_openly("/v1/authorize", about("", "midaz")).await;
    nobody.refuses(ErrorReason::TokenMissing);
}

#[tokio::test]
async fn an_answer_is_as_fresh_as_it_was_asked_to_be() {
    let world = World::start().await;
    let alice = world.person("alice", &["midaz-viewer-group"]).await;
    let question = |consistency: &str, revision: u64| {
        json!({
            "product": "midaz",
            "resource": "accounts",
            "action": "get",
            "consistency": consistency,
            "minRevision": revision.to_string(),
        })
    };
    let bounded = ask(&world, &alice, question("CONSISTENCY_BOUNDED", 0)).await;
    says(&bounded, "granted");
    let freshness = &bounded.body["freshness"];
    let milliseconds = |name: &str| freshness[name].as_u64().unwrap();
    assert!(
        milliseconds("ageMs") <= milliseconds("boundMs"),
        "{freshness}"
    );
    let revision = bounded.revision();
    let at_least = ask(&world, &alice, question("CONSISTENCY_AT_LEAST", revision)).await;
    says(&at_least, "granted");
    let none = ask(&world, &alice, question("CONSISTENCY_AT_LEAST", 0)).await;
    none.refuses(ErrorReason::InvalidRequest);
    let ahead = ask(
        &world,
        &alice,
        question("CONSISTENCY_AT_LEAST", revision + 9),
    )
    .await;
    ahead.refuses(ErrorReason::RevisionAhead);
    let strange = ask(&world, &alice, question("CONSISTENCY_TELEPATHY", 0)).await;
    assert_eq!(strange.status, 400);
    for _ in 0..100 {
        let fresh = ask(&world, &alice, question("CONSISTENCY_FRESH", 0)).await;
        if fresh.status == 200 {
            says(&fresh, "granted");
            return;
        }
        // A busy machine may need more than the 50 ms.
        fresh.refuses(ErrorReason::Stale);
    }
    panic!("never fully fresh");
}
