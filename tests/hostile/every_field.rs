//! Every string field of every RPC, with text that means something elsewhere.

use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::calls::Callers;
use crate::wire::{Rpc, assert_problem, channel, rpcs};
use crate::world::{PASSWORD, World};
use crate::{calls, panics};

const SQL: [&str; 6] = [
    "'; DROP TABLE users; --",
    "\" OR \"\"=\"",
    "') UNION SELECT password_hash FROM users --",
    "%' ESCAPE '\\",
    "$1 ?1 :name @p1",
    "\\x27\u{ff07}; SELECT pg_sleep(10)",
];

/// Where a string field is: names, `[]` for an item of a list, [`KEY`] and [`VALUE`] of a map.
pub type Place = Vec<String>;

const KEY: &str = "{key}";
const VALUE: &str = "{value}";

/// The string fields of a message, those of its messages too.
pub fn strings(message: &MessageDescriptor) -> Vec<Place> {
    let mut found = Vec::new();
    for field in message.fields() {
        let mut place = vec![field.json_name().to_owned()];
        if field.is_map() {
            // The contract has maps of strings to strings only.
            found.extend([KEY, VALUE].map(|part| vec![place[0].clone(), part.to_owned()]));
            continue;
        }
        if field.is_list() {
            place.push("[]".to_owned());
        }
        let kind = field.kind();
        if matches!(kind, Kind::String) {
            found.push(place);
        } else if let Kind::Message(inner) = kind {
            if inner.full_name() == "google.protobuf.FieldMask" {
                // One string in JSON.
                found.push(place);
            } else if inner.full_name().starts_with("gatepost.") {
                let inside = strings(&inner).into_iter();
                found.extend(inside.map(|rest| [place.clone(), rest].concat()));
            }
        }
    }
    found
}

/// Puts a text into its place: of a list into the first item that has it, else into the first.
pub fn put(value: &mut Value, place: &[String], text: &str) {
    match place.split_first() {
        None => *value = text.into(),
        Some((name, rest)) if name == "[]" => {
            if !value.is_array() {
                *value = Value::Array(vec![Value::Null]);
            }
            let items = value.as_array_mut().unwrap();
            if items.is_empty() {
                items.push(Value::Null);
            }
            let has = |name: &String| items.iter().position(|item| item.get(name).is_some());
            let at = rest.first().and_then(has).unwrap_or(0);
            put(&mut items[at], rest, text);
        }
        Some((name, _)) if name == KEY => *value = json!({text: "l-7"}),
        Some((name, _)) if name == VALUE => *value = json!({"ledger_id": text}),
        Some((name, rest)) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            put(
                value
                    .as_object_mut()
                    .unwrap()
                    .entry(name)
                    .or_insert(Value::Null),
                rest,
                text,
            );
        }
    }
}

fn spoilt(good: &Map<String, Value>, place: &[String], text: &str) -> Map<String, Value> {
    let mut value = Value::Object(good.clone());
    put(&mut value, place, text);
    let Value::Object(fields) = value else {
        panic!("an object")
    };
    fields
}

/// Whether what is wrong in that place is the error of one answer, and not of the call.
fn spoils_one_answer(rpc: &Rpc, place: &[String]) -> bool {
    rpc.name == "BatchAuthorize" && place[0] == "questions"
}

/// Asserts that the first question of a batch, and no other, was refused as a call would be.
fn assert_one_spoilt(body: &Value, what: &str) {
    let answers = body["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 2, "{what}");
    assert_eq!(answers[0]["error"]["reason"], "INVALID_REQUEST", "{what}");
    assert_ne!(answers[0]["authorized"], true, "{what}");
    assert_eq!(answers[1]["authorized"], true, "{what}: {body}");
}

/// Names that the record must not lose, unless the field is what names it.
fn reads_back(rpc: &Rpc, place: &[String]) -> bool {
    let [name] = place else { return false };
    let made = rpc.name.starts_with("Create") || rpc.name.starts_with("Update");
    made && ["username", "firstName", "lastName", "name", "description"].contains(&name.as_str())
}

#[tokio::test]
async fn text_that_means_something_to_a_database_means_nothing_here() {
    let (world, panics) = (World::start().await, panics::watch());
    let channel = channel(&world).await;
    let (mut tried, mut kept) = (0, 0);
    let witness = world.person("witness", &[]).await;
    let callers = Callers::of(&world, &world.admin).await;
    for rpc in rpcs() {
        let public = rpc.name.starts_with("IssueToken") || rpc.name.starts_with("Refresh");
        for (number, place) in strings(&rpc.method.input()).into_iter().enumerate() {
            // A record of its own for each field: a change that is done changes it.
            let good = calls::good(&world, &callers, &rpc).await;
            let text = SQL[number % SQL.len()];
            let fields = spoilt(&good, &place, text);
            let what = format!("{} {place:?}", rpc.name);
            let token = (!public && rpc.name != "Logout").then_some(callers.token(&rpc));
            let answer = rpc.call(&world, token, &fields).await;
            if answer.status.is_success() {
                if reads_back(&rpc, &place) && answer.body.is_object() {
                    assert_eq!(answer.body[&place[0]], text, "{what}");
                    kept += 1;
                }
            } else {
                assert_problem(&answer, &what);
            }
            tried += 1;
            if place[0] == "updateMask" {
                // The client's own library refuses to write it.
                continue;
            }
            let answer = rpc.grpc(&channel, token, &fields, &[]).await;
            if let Err(status) = answer {
                let code = status.code();
                let inside = [tonic::Code::Internal, tonic::Code::Unknown].contains(&code);
                assert!(!inside, "{what}: {status}");
            }
        }
    }
    assert!(tried > 200 && kept > 4, "{tried} fields, {kept} read back");
    assert_eq!(panics::seen(), panics);
    // Everything is still there.
    assert_eq!(
        world.get(&world.admin, "/v1/users").await.status.as_u16(),
        200
    );
    // The administrator's password is one of the texts by now.
    assert_eq!(world.sign_in("witness").await.id, witness.id);
}

#[tokio::test]
async fn no_field_takes_a_nul_or_a_text_without_end() {
    let (world, panics) = (World::start().await, panics::watch());
    let channel = channel(&world).await;
    let endless = "\u{1f98a}".repeat(20_000);
    let callers = Callers::of(&world, &world.admin).await;
    for rpc in rpcs() {
        let places = strings(&rpc.method.input());
        if places.is_empty() {
            continue;
        }
        let good = calls::good(&world, &callers, &rpc).await;
        let token = Some(callers.token(&rpc));
        for place in places {
            let one = spoils_one_answer(&rpc, &place);
            for text in ["a\0b", &endless] {
                let fields = spoilt(&good, &place, text);
                let what = format!("{} {place:?}", rpc.name);
                let in_path = place.len() == 1
                    && rpc.method.input().fields().any(|field| {
                        let variable = format!("{{{}}}", field.name());
                        field.json_name() == place[0] && rpc.binding.template.contains(&variable)
                    });
                // A URI of that length is no HTTP any more.
                if text.len() < 1000 || (rpc.binding.body && !in_path) {
                    let answer = rpc.call(&world, token, &fields).await;
                    if one {
                        assert_one_spoilt(&answer.body, &what);
                    } else {
                        assert_problem(&answer, &what);
                        assert_eq!(answer.status.as_u16(), 400, "{what}: {}", answer.body);
                    }
                }
                let status = match rpc.grpc(&channel, token, &fields, &[]).await {
                    Ok((answer, _)) if one => {
                        assert_one_spoilt(&answer, &what);
                        continue;
                    }
                    Ok(_) => panic!("{what} took {text:.10}"),
                    Err(status) => status,
                };
                assert_eq!(
                    status.code(),
                    tonic::Code::InvalidArgument,
                    "{what}: {status}"
                );
            }
        }
    }
    assert_eq!(panics::seen(), panics);
    let body = serde_json::json!({
        "grantType": "password", "username": "admin", "password": PASSWORD.repeat(100),
    });
    let request = world
        .request(reqwest::Method::POST, "/v1/login/oauth/access_token")
        .json(&body);
    assert_eq!(world.send(request).await.status.as_u16(), 400);
}
