//! AuthZEN Authorization API 1.0, over the wire.

use reqwest::Method;
use serde_json::{Value, json};

use super::shop::Shop;
use crate::world::{Actor, Answer, NOBODY, PUBLIC_URL};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";

fn subject(actor: &Actor) -> Value {
    json!({"type": "user", "id": actor.id})
}

fn question(actor: &Actor, action: &str) -> Value {
    json!({
        "subject": subject(actor),
        "action": {"name": action},
        "resource": {"type": "shop/items", "id": "7"},
    })
}

async fn ask(shop: &Shop, actor: &Actor, path: &str, body: Value) -> Answer {
    shop.world.post(actor, path, body).await
}

#[tokio::test]
async fn an_evaluation_is_a_decision() {
    let shop = Shop::open().await;
    let yes = ask(&shop, &shop.alice, EVALUATION, question(&shop.alice, "get")).await;
    assert_eq!(yes.is(200)["decision"], true);
    let context = &yes.body["context"];
    assert_eq!(context["reason"], "granted");
    assert_eq!(context["decision_id"].as_str().unwrap().len(), NOBODY.len());
    assert!(
        context["revision"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 0
    );
    let no = ask(
        &shop,
        &shop.alice,
        EVALUATION,
        question(&shop.alice, "delete"),
    )
    .await;
    assert_eq!(no.is(200)["decision"], false, "a no is no error");
    assert_eq!(no.body["context"]["reason"], "permission");
    let told = no.body["context"]["reason_admin"]["en"].as_str().unwrap();
    assert!(told.contains("no role allows it"), "{told}");
    assert!(no.body["context"]["reason_user"]["en-403"].is_string());
}

#[tokio::test]
async fn the_type_of_a_resource_names_product_and_resource() {
    let shop = Shop::open().await;
    for (resource, reason) in [
        (json!({"type": "shop/items", "id": "7"}), "granted"),
        (json!({"type": "old-shop/items", "id": "7"}), "granted"),
        (
            json!({"type": "items", "id": "7", "properties": {"product": "shop"}}),
            "granted",
        ),
        (json!({"type": "items", "id": "7"}), "granted"),
        (json!({"type": "items", "id": ""}), "granted"),
        (
            json!({"type": "shop/items", "id": "7", "properties": {"product": "midaz"}}),
            "unknown_product",
        ),
        (
            json!({"type": "nowhere/items", "id": "7"}),
            "unknown_product",
        ),
        (json!({"type": "nothing", "id": "7"}), "unknown_permission"),
    ] {
        let mut body = question(&shop.alice, "get");
        body["resource"] = resource.clone();
        let answer = ask(&shop, &shop.alice, EVALUATION, body).await;
        assert_eq!(answer.is(200)["context"]["reason"], reason, "{resource}");
        assert_eq!(answer.body["decision"], reason == "granted");
    }
}

#[tokio::test]
async fn only_the_permitted_ask_about_others() {
    let shop = Shop::open().await;
    let bob = shop.stranger().await;
    let foreign = ask(&shop, &bob, EVALUATION, question(&shop.alice, "get")).await;
    assert_eq!(foreign.is(403)["reason"], "SUBJECT_FOREIGN");
    // Whoever may not ask does not learn who there is.
    let mut nobody = question(&shop.alice, "get");
    nobody["subject"]["id"] = json!(NOBODY);
    let unknown = ask(&shop, &bob, EVALUATION, nobody).await;
    for field in ["status", "reason", "detail", "title"] {
        assert_eq!(unknown.body[field], foreign.body[field]);
    }
}

#[tokio::test]
async fn an_administrator_asks_about_anybody() {
    let shop = Shop::open().await;
    let admin = &shop.world.admin;
    let machine = shop.world.machine("robot", &["shop-viewer-role"]).await;
    let robot = machine.id.clone();
    for (kind, id, reason) in [
        ("user", shop.alice.id.clone(), "granted"),
        ("user", format!("default/{}", shop.alice.id), "granted"),
        ("application", robot.clone(), "granted"),
        ("user", robot, "subject_unknown"),
        ("application", shop.alice.id.clone(), "subject_unknown"),
        (
            "user",
            format!("elsewhere/{}", shop.alice.id),
            "subject_unknown",
        ),
        ("user", NOBODY.to_owned(), "subject_unknown"),
        ("user", "alice".to_owned(), "subject_unknown"),
        ("user", String::new(), "subject_unknown"),
        ("robot", shop.alice.id.clone(), "subject_unknown"),
    ] {
        let mut body = question(&shop.alice, "get");
        body["subject"] = json!({"type": kind, "id": id});
        let answer = ask(&shop, admin, EVALUATION, body).await;
        assert_eq!(answer.is(200)["context"]["reason"], reason, "{kind} {id}");
        assert_eq!(answer.body["decision"], reason == "granted");
    }
    // A machine's claim about itself works without a permission.
    let mut own = question(&shop.alice, "get");
    own["subject"] = json!({"type": "application", "id": machine.id});
    let answer = ask(&shop, &machine, EVALUATION, own).await;
    assert_eq!(answer.is(200)["decision"], true);
}

#[tokio::test]
async fn several_evaluations_share_what_they_have_in_common() {
    let shop = Shop::open().await;
    let mut body = question(&shop.alice, "get");
    body["evaluations"] = json!([
        {},
        {"action": {"name": "delete"}},
        {"resource": {"type": "midaz/accounts", "id": "1"}},
        {"action": {}},
        {"subject": {"type": "user", "id": shop.world.admin.id}},
    ]);
    let malformed = ask(&shop, &shop.alice, EVALUATIONS, body.clone()).await;
    assert_eq!(
        malformed.is(400)["reason"],
        "MALFORMED_BODY",
        "an action without a name"
    );
    body["evaluations"][3] = json!({"action": {"name": ""}});
    let answer = ask(&shop, &shop.alice, EVALUATIONS, body).await;
    let answers = answer.is(200)["evaluations"].as_array().unwrap();
    let decisions: Vec<&Value> = answers.iter().map(|one| &one["decision"]).collect();
    assert_eq!(decisions, [true, false, false, false, false]);
    assert_eq!(answers[3]["context"]["error"]["status"], 400);
    assert_eq!(answers[4]["context"]["error"]["status"], 403);
    let id = &answers[0]["context"]["decision_id"];
    assert_eq!(
        &answers[1]["context"]["decision_id"], id,
        "one decision id for all"
    );
}

#[tokio::test]
async fn a_semantic_says_when_to_stop() {
    let shop = Shop::open().await;
    let answers = async |semantic: &str, actions: &[&str]| {
        let mut body = question(&shop.alice, "get");
        let each = |action: &&str| json!({"action": {"name": action}});
        body["evaluations"] = actions.iter().map(each).collect();
        if !semantic.is_empty() {
            body["options"] = json!({"evaluations_semantic": semantic, "other": 1});
        }
        let answer = ask(&shop, &shop.alice, EVALUATIONS, body).await;
        let answers = answer.is(200)["evaluations"].as_array().unwrap().clone();
        let decisions = answers.iter().map(|one| one["decision"].as_bool().unwrap());
        decisions.collect::<Vec<bool>>()
    };
    let (yes, no) = ("get", "delete");
    for semantic in ["", "execute_all"] {
        assert_eq!(
            answers(semantic, &[yes, no, yes]).await,
            [true, false, true]
        );
    }
    assert_eq!(
        answers("deny_on_first_deny", &[yes, no, yes]).await,
        [true, false]
    );
    assert_eq!(
        answers("deny_on_first_deny", &[yes, yes]).await,
        [true, true]
    );
    assert_eq!(
        answers("permit_on_first_permit", &[no, yes, no]).await,
        [false, true]
    );
    assert_eq!(
        answers("permit_on_first_permit", &[no, no]).await,
        [false, false]
    );
    let mut body = question(&shop.alice, "get");
    body["evaluations"] = json!([{}]);
    body["options"] = json!({"evaluations_semantic": "whatever"});
    ask(&shop, &shop.alice, EVALUATIONS, body).await.is(400);
}

#[tokio::test]
async fn no_evaluations_are_one() {
    let shop = Shop::open().await;
    for evaluations in [None, Some(json!([])), Some(Value::Null)] {
        let mut body = question(&shop.alice, "get");
        if let Some(evaluations) = evaluations {
            body["evaluations"] = evaluations;
        }
        let answer = ask(&shop, &shop.alice, EVALUATIONS, body).await;
        assert_eq!(answer.is(200)["decision"], true);
        assert_eq!(answer.body["evaluations"], Value::Null);
    }
}

#[tokio::test]
async fn what_is_no_question_is_an_error() {
    let shop = Shop::open().await;
    for (lack, reason) in [
        ("subject", "INVALID_REQUEST"),
        ("action", "INVALID_REQUEST"),
        ("resource", "INVALID_REQUEST"),
    ] {
        let mut body = question(&shop.alice, "get");
        body.as_object_mut().unwrap().remove(lack);
        let answer = ask(&shop, &shop.alice, EVALUATION, body).await;
        assert_eq!(answer.is(400)["reason"], reason);
        assert_eq!(answer.body["field"], lack);
    }
    let mut body = question(&shop.alice, "get");
    body["resource"] = json!({"type": "shop/items"});
    ask(&shop, &shop.alice, EVALUATION, body).await.is(400);
    for bad in [json!([]), json!("x"), json!({"subject": 7})] {
        ask(&shop, &shop.alice, EVALUATION, bad).await.is(400);
    }
    let many: serde_json::Map<String, Value> = (0..101)
        .map(|number| (number.to_string(), json!("x")))
        .collect();
    let mut body = question(&shop.alice, "get");
    body["context"] = Value::Object(many);
    ask(&shop, &shop.alice, EVALUATION, body).await.is(400);
    let mut body = question(&shop.alice, "get");
    body["evaluations"] = json!(vec![json!({}); 1001]);
    ask(&shop, &shop.alice, EVALUATIONS, body).await.is(400);

    let world = &shop.world;
    let open = world
        .post_openly(EVALUATION, question(&shop.alice, "get"))
        .await;
    assert_eq!(open.is(401)["reason"], "TOKEN_MISSING");
    assert_eq!(open.header("www-authenticate"), "Bearer");
    let get = world.get(&shop.alice, EVALUATION).await;
    assert_eq!(get.is(405)["reason"], "METHOD_NOT_ALLOWED");
    assert_eq!(get.header("allow"), "POST");
    let raw = |kind: &str, body: String| {
        let request = world
            .request(Method::POST, EVALUATION)
            .bearer_auth(&shop.alice.token);
        request.header("content-type", kind).body(body)
    };
    world.send(raw("text/plain", "x".into())).await.is(415);
    world
        .send(raw("application/x-www-form-urlencoded", "a=b".into()))
        .await
        .is(415);
    world
        .send(raw("application/json", "{".into()))
        .await
        .is(400);
    world
        .send(raw("application/json", " ".repeat((1 << 20) + 1)))
        .await
        .is(413);
}

#[tokio::test]
async fn unknown_fields_are_skipped_and_the_request_keeps_its_name() {
    let shop = Shop::open().await;
    let mut body = question(&shop.alice, "get");
    body["later"] = json!({"version": 2});
    body["subject"]["properties"] = json!({"department": "sales"});
    body["context"] = json!({"list": [1], "object": {}, "null": null, "time": 1.5, "on": true});
    let request = shop
        .world
        .request(Method::POST, EVALUATION)
        .bearer_auth(&shop.alice.token);
    let request = request.header("x-request-id", "my name").json(&body);
    let answer = shop.world.send(request).await;
    assert_eq!(answer.is(200)["decision"], true);
    assert_eq!(answer.header("x-request-id"), "my name");
    let request = shop
        .world
        .request(Method::POST, EVALUATION)
        .header("x-request-id", "other");
    assert_eq!(
        shop.world.send(request).await.header("x-request-id"),
        "other"
    );
    let unnamed = ask(&shop, &shop.alice, EVALUATION, question(&shop.alice, "get")).await;
    assert_eq!(unnamed.header("x-request-id").len(), NOBODY.len());
}

#[tokio::test]
async fn the_metadata_says_where_to_ask() {
    let shop = Shop::open().await;
    let get = async |path: &str| shop.world.send(shop.world.request(Method::GET, path)).await;
    let answer = get("/.well-known/authzen-configuration").await;
    let expected = json!({
        "policy_decision_point": PUBLIC_URL,
        "access_evaluation_endpoint": format!("{PUBLIC_URL}/access/v1/evaluation"),
        "access_evaluations_endpoint": format!("{PUBLIC_URL}/access/v1/evaluations"),
        "search_subject_endpoint": format!("{PUBLIC_URL}/access/v1/search/subject"),
        "search_resource_endpoint": format!("{PUBLIC_URL}/access/v1/search/resource"),
        "search_action_endpoint": format!("{PUBLIC_URL}/access/v1/search/action"),
    });
    assert_eq!(answer.is(200), &expected);
    assert_eq!(answer.header("content-type"), "application/json");
    let tenant = get("/.well-known/authzen-configuration/acme").await;
    let point = format!("{PUBLIC_URL}/acme");
    assert_eq!(tenant.is(200)["policy_decision_point"], point);
    assert_eq!(
        tenant.body["search_action_endpoint"],
        expected["search_action_endpoint"]
    );
    get("/.well-known/authzen-configuration/Not-A-Slug")
        .await
        .is(404);
    get("/.well-known/authzen-configuration/a/b").await.is(404);
    let post = shop
        .world
        .post_openly("/.well-known/authzen-configuration", json!({}))
        .await;
    post.is(405);
}

/// Follows a search to its end; checks that every result is a yes.
async fn search(shop: &Shop, actor: &Actor, kind: &str, body: &Value, limit: u32) -> Vec<Value> {
    let path = format!("/access/v1/search/{kind}");
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let mut body = body.clone();
        body["page"] = json!({"limit": limit, "token": token});
        let answer = ask(shop, actor, &path, body).await;
        let results = answer.is(200)["results"].as_array().unwrap();
        assert!(results.len() <= limit as usize);
        assert_eq!(answer.body["page"]["count"], results.len());
        found.extend(results.iter().cloned());
        answer.body["page"]["next_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut token);
        if token.is_empty() {
            break;
        }
    }
    for result in &found {
        let mut question = body.clone();
        if question[kind].is_null() {
            question[kind] = json!({});
        }
        for (key, value) in result.as_object().unwrap() {
            question[kind][key] = value.clone();
        }
        let answer = ask(shop, actor, EVALUATION, question.clone()).await;
        assert_eq!(answer.is(200)["decision"], true, "{question}");
    }
    found
}

#[tokio::test]
async fn who_may_is_found_page_by_page() {
    let shop = Shop::open().await;
    let mut expected = vec![shop.alice.id.clone()];
    for name in ["carla", "dora", "emil"] {
        let person = shop.world.person(name, &["shop-viewer-group"]).await;
        expected.push(person.id);
    }
    expected.sort();
    shop.stranger().await;
    let machine = shop.world.machine("robot", &["shop-viewer-role"]).await;
    let body = |kind: &str| {
        json!({
            "subject": {"type": kind, "id": "ignored"},
            "action": {"name": "get"},
            "resource": {"type": "shop/items", "id": "7"},
        })
    };
    let admin = &shop.world.admin;
    let ids = |found: &[Value]| {
        let ids = found.iter().map(|one| one["id"].as_str().unwrap());
        ids.map(str::to_owned).collect::<Vec<String>>()
    };
    let found = search(&shop, admin, "subject", &body("user"), 2).await;
    assert_eq!(ids(&found), expected);
    assert!(found.iter().any(|one| one["properties"]["name"] == "alice"));
    let found = search(&shop, admin, "subject", &body("application"), 10).await;
    assert_eq!(ids(&found), [machine.id.rsplit('/').next().unwrap()]);
    assert!(
        search(&shop, admin, "subject", &body("robot"), 10)
            .await
            .is_empty()
    );
    let refused = ask(
        &shop,
        &shop.alice,
        "/access/v1/search/subject",
        body("user"),
    )
    .await;
    assert_eq!(refused.is(403)["reason"], "PERMISSION_MISSING");

    // A token belongs to its query.
    let mut first = body("user");
    first["page"] = json!({"limit": 1});
    let path = "/access/v1/search/subject";
    let answer = ask(&shop, admin, path, first.clone()).await;
    let token = answer.is(200)["page"]["next_token"].clone();
    first["page"]["token"] = token.clone();
    ask(&shop, admin, path, first.clone()).await.is(200);
    first["action"]["name"] = json!("delete");
    ask(&shop, admin, path, first.clone()).await.is(400);
    for bad in ["x", "AAAAAAAAAAAAAAAAAAAAAAAA", "%"] {
        let mut body = body("user");
        body["page"] = json!({"token": bad});
        ask(&shop, admin, path, body).await.is(400);
    }
}

#[tokio::test]
async fn resources_and_actions_are_found() {
    let shop = Shop::open().await;
    let body = |kind: &str| {
        json!({
            "subject": subject(&shop.alice),
            "action": {"name": "get"},
            "resource": {"type": kind, "id": "ignored"},
        })
    };
    let things = async |kind: &str| search(&shop, &shop.alice, "resource", &body(kind), 10).await;
    let item = json!({"type": "shop/items", "id": "*"});
    assert_eq!(things("shop").await, std::slice::from_ref(&item));
    assert_eq!(things("shop/items").await, [item]);
    assert!(things("shop/other").await.is_empty());
    assert!(things("nowhere").await.is_empty());
    let mut without = body("shop/items");
    without.as_object_mut().unwrap().remove("action");
    let found = search(&shop, &shop.alice, "action", &without, 10).await;
    assert_eq!(found, [json!({"name": "get"})]);
    without["resource"]["type"] = json!("items");
    ask(&shop, &shop.alice, "/access/v1/search/action", without)
        .await
        .is(400);
    let bob = shop.stranger().await;
    let foreign = ask(&shop, &bob, "/access/v1/search/resource", body("shop")).await;
    assert_eq!(foreign.is(403)["reason"], "SUBJECT_FOREIGN");
}
