//! What holds for the contract as a whole.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::auth::v1::{IssueTokenResponse, ListPermissionsResponse};
use crate::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use crate::identity::v1::{CreateUserRequest, ListUsersResponse, PublishManifestRequest};
use crate::rest_routes::BINDINGS;
use crate::rpc::{Access, Effect, Permission, Rpc, Rule};
use crate::rules::RULES;
use crate::{DESCRIPTORS, OPENAPI};

#[test]
fn answers_show_their_defaults() {
    let refusal = serde_json::to_value(AuthorizeResponse::default()).expect("JSON");
    let expected = json!({ "authorized": false, "reason": "", "revision": "0", "decisionId": "" });
    let mut shown = refusal.clone();
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("timestamp");
    }
    assert_eq!(shown, expected);
    let page = ListUsersResponse {
        limit: 10,
        total: Some(0),
        ..ListUsersResponse::default()
    };
    let page = serde_json::to_value(page).expect("JSON");
    let expected = json!({ "items": [], "page": 0, "limit": 10, "total": 0, "nextPageToken": "" });
    assert_eq!(page, expected);
}

#[test]
fn what_may_be_absent_is_absent() {
    let token = IssueTokenResponse {
        expires_in: Some(3600),
        ..IssueTokenResponse::default()
    };
    let token = serde_json::to_value(token).expect("JSON");
    let expected = json!({ "expiresIn": 3600 });
    assert_eq!(token, expected);
}

#[test]
fn numbers_of_64_bits_are_strings_both_ways() {
    let answer = AuthorizeResponse {
        revision: u64::MAX,
        ..AuthorizeResponse::default()
    };
    let answer = serde_json::to_value(answer).expect("JSON");
    assert_eq!(answer["revision"], "18446744073709551615");
    for written in [r#"{"minRevision": "7"}"#, r#"{"min_revision": 7}"#] {
        let question: AuthorizeRequest = serde_json::from_str(written).expect("a question");
        assert_eq!(question.min_revision, 7);
    }
    let none: AuthorizeRequest = serde_json::from_str(r#"{"minRevision": null}"#).expect("null");
    assert_eq!(none.min_revision, 0);
}

#[test]
fn permissions_are_a_bare_map() {
    let mut answer = ListPermissionsResponse::default();
    let actions = vec!["get".to_owned().into(), "post".to_owned().into()];
    answer.permissions.insert(
        "accounts".into(),
        pbjson_types::ListValue { values: actions },
    );
    let map = crate::rest::json(&answer.permissions).expect("JSON");
    assert_eq!(&map[..], br#"{"accounts":["get","post"]}"#);
}

#[test]
fn go_clients_may_send_null_lists() {
    let json = r#"{"roles": null, "permissions": [{"roles": null, "effect": null}], "m2m": null}"#;
    let manifest: PublishManifestRequest = serde_json::from_str(json).expect("a manifest");
    assert_eq!(manifest.permissions.len(), 1);
}

#[test]
fn every_rpc_says_who_may_call_it() {
    assert!(RULES.len() >= 30, "{} RPCs", RULES.len());
    for rpc in RULES {
        assert_eq!(rpc.name, format!("{}/{}", rpc.service, rpc.method));
        assert!(
            !rpc.comment.is_empty() && rpc.path.starts_with('/'),
            "{}",
            rpc.name
        );
        // What changes something leaves a record.
        let is_read = rpc.rule.effect == Effect::Read;
        assert_eq!(is_read, rpc.rule.audit.is_none(), "{}", rpc.name);
        assert!(
            BINDINGS.iter().any(|binding| binding.rpc == rpc.name),
            "{}",
            rpc.name
        );
    }
    let permission = Permission {
        product: "gatepost",
        resource: "users",
        action: "post",
    };
    let access = Access::Permission(permission);
    let rule = Rule {
        access,
        effect: Effect::Write,
        audit: Some("user.create"),
        installation: false,
    };
    assert_eq!(CreateUserRequest::RULE, rule);
    assert_eq!(
        CreateUserRequest::NAME,
        "gatepost.identity.v1.UserService/CreateUser"
    );
    assert_eq!(permission.to_string(), "gatepost/users:post");
}

#[test]
fn bindings_tell_the_status_of_success() {
    let of = |rpc: &str| BINDINGS.iter().find(|binding| binding.rpc.ends_with(rpc));
    let create = of("/CreateUser").expect("a route");
    assert!(create.created && !create.empty && create.body);
    let delete = of("/DeleteUser").expect("a route");
    assert!(!delete.created && delete.empty && !delete.body);
}

#[test]
fn reflection_keeps_the_options() {
    for text in [
        "gatepost/users:post",
        "/v1/users/{id}",
        "google/protobuf/timestamp.proto",
    ] {
        let found = DESCRIPTORS
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        assert!(found, "{text}");
    }
}

#[test]
fn the_document_describes_every_route() {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    let (mut ids, mut count) = (BTreeSet::new(), 0);
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for operation in operations.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id), "{id} is there twice");
            let parameters = operation["parameters"].as_array().expect("parameters");
            for name in path
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next())
            {
                let declared = parameters.iter().any(|each| {
                    each["name"] == name && each["in"] == "path" && each["required"] == true
                });
                assert!(declared, "{id}: {name}");
            }
            count += 1;
        }
    }
    assert_eq!(count, BINDINGS.len());
    let create = &document["paths"]["/v1/users"]["post"];
    assert_eq!(create["x-gatepost-permission"], "gatepost/users:post");
    assert!(create["responses"]["201"].is_object());
    let username =
        &document["components"]["schemas"]["CreateUserRequest"]["properties"]["username"];
    assert_eq!(
        (&username["minLength"], &username["maxLength"]),
        (&json!(1), &json!(100))
    );
}

/// The options of a field can be said once for many fields in CEL only, which nothing here reads.
#[test]
fn attributes_have_the_same_limits_in_every_question() {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    let schemas = &document["components"]["schemas"];
    let mut count = 0;
    for (message, schema) in schemas.as_object().expect("schemas") {
        let Some(attributes) = schema["properties"].get("attributes") else {
            continue;
        };
        let mut limits = attributes.clone();
        limits.as_object_mut().expect("a map").remove("description");
        let expected = json!({
            "type": "object",
            "maxProperties": 32,
            "propertyNames": { "type": "string", "minLength": 1, "maxLength": 100 },
            "additionalProperties": { "type": "string", "maxLength": 300 },
        });
        assert_eq!(limits, expected, "{message}");
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn the_document_refers_to_what_is_there() {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    let mut stack = vec![&document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                stack.extend(object.values());
            }
            Value::Array(items) => stack.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
