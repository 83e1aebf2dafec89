//! Generates the OpenAPI 3.1 document of the REST face. Every word of it is the contract's.

use heck::ToLowerCamelCase;
use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::contract::{Access, Contract, Route, Rpc, comment};
use crate::rules::FieldRules;
use crate::schema;

/// The document, as JSON; the same bytes for the same contract.
pub fn generate(contract: &Contract) -> Result<String> {
    let mut paths = Map::new();
    for rpc in &contract.rpcs {
        for (index, route) in rpc.routes.iter().enumerate() {
            let path = paths.entry(path_of(route)).or_insert_with(|| json!({}));
            path[route.http_method.to_lowercase()] = operation(contract, rpc, route, index)?;
        }
    }
    let mut schemas = schema::all(contract)?;
    schemas.insert("Problem".to_owned(), problem());
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gatepost",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Who is calling, and what may they do?",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags(contract),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
            "responses": {
                "Problem": {
                    "description": "The call was refused or failed (RFC 9457).",
                    "content": {
                        "application/problem+json": { "schema": schema::reference("Problem") },
                    },
                },
            },
        },
    });
    Ok(serde_json::to_string(&document)?)
}

/// The path with its variables as OpenAPI writes them: in camel case, without patterns.
fn path_of(route: &Route) -> String {
    let mut path = String::new();
    let mut rest = route.template.as_str();
    while let Some((before, inside)) = rest.split_once('{') {
        let (variable, after) = inside.split_once('}').unwrap_or((inside, ""));
        let name = variable.split('=').next().unwrap_or_default();
        path.push_str(before);
        path.push('{');
        path.push_str(&name.to_lower_camel_case());
        path.push('}');
        rest = after;
    }
    path.push_str(rest);
    path
}

fn tags(contract: &Contract) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for rpc in &contract.rpcs {
        let service = rpc.method.parent_service();
        let description = comment(&service.parent_file(), service.path());
        let tag = json!({ "name": tag(rpc), "description": description });
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn tag(rpc: &Rpc) -> String {
    rpc.method
        .parent_service()
        .name()
        .trim_end_matches("Service")
        .to_owned()
}

fn operation(contract: &Contract, rpc: &Rpc, route: &Route, index: usize) -> Result<Value> {
    let suffix = if index == 0 {
        String::new()
    } else {
        format!("_{index}")
    };
    let summary = rpc
        .comment
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .replace('\n', " ");
    let mut operation = json!({
        "operationId": format!("{}{suffix}", rpc.method.name()),
        "tags": [tag(rpc)],
        "summary": summary.trim_end_matches('.'),
        "description": rpc.comment,
        "parameters": parameters(contract, rpc, route)?,
        "responses": responses(rpc, route)?,
        "security": match rpc.access {
            Access::Public => json!([]),
            Access::Authenticated | Access::Permission { .. } | Access::Custom(_) => {
                json!([{ "bearer": [] }])
            }
        },
    });
    match &rpc.access {
        Access::Permission {
            product,
            resource,
            action,
        } => {
            operation["x-gatepost-permission"] = format!("{product}/{resource}:{action}").into();
        }
        Access::Custom(sentence) => operation["x-gatepost-access"] = sentence.as_str().into(),
        Access::Public | Access::Authenticated => {}
    }
    if route.body {
        operation["requestBody"] = request_body(rpc);
    }
    Ok(operation)
}

fn parameters(contract: &Contract, rpc: &Rpc, route: &Route) -> Result<Vec<Value>> {
    let mut parameters = Vec::new();
    for field in rpc.method.input().fields() {
        let in_path = route.variables.iter().any(|name| name == field.name());
        if !in_path && route.body {
            continue;
        }
        let rules = FieldRules::read(&field, &contract.field_rules)?;
        let mut schema = schema::of_field(&field, &rules)?;
        let description = schema["description"].take();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("description");
        }
        parameters.push(json!({
            "name": field.json_name(),
            "in": if in_path { "path" } else { "query" },
            "required": in_path || rules.required || rules.text.refuses_empty(),
            "description": description,
            "schema": schema,
        }));
    }
    if !matches!(rpc.access, Access::Public) {
        parameters.push(header(
            "gatepost-min-revision",
            "The least revision of the organization that the answer may be based on.",
        ));
    }
    if rpc.method.name().starts_with("Create") {
        parameters.push(header(
            "Idempotency-Key",
            "Makes it safe to send the same call again: it is carried out once.",
        ));
    }
    Ok(parameters)
}

fn header(name: &str, description: &str) -> Value {
    let schema = json!({ "type": "string" });
    json!({ "name": name, "in": "header", "description": description, "schema": schema })
}

fn request_body(rpc: &Rpc) -> Value {
    let input = rpc.method.input();
    let media = json!({ "schema": schema::reference(input.name()) });
    let mut content = json!({ "application/json": media });
    let is_flat = |field: FieldDescriptor| {
        !matches!(field.kind(), Kind::Message(_) | Kind::Enum(_) | Kind::Bytes)
    };
    if input.fields().all(is_flat) {
        content["application/x-www-form-urlencoded"] = media;
    }
    json!({ "content": content })
}

fn responses(rpc: &Rpc, route: &Route) -> Result<Value> {
    let output = rpc.method.output();
    let description = comment(&output.parent_file(), output.path());
    let mut responses = json!({ "default": { "$ref": "#/components/responses/Problem" } });
    if output.fields().len() == 0 {
        responses["204"] = json!({ "description": description });
        return Ok(responses);
    }
    let schema = match &route.response_body {
        None => schema::reference(output.name()),
        Some(name) => {
            let field = output
                .get_field_by_name(name)
                .ok_or("response_body is no field")?;
            let mut schema = schema::of_field(&field, &FieldRules::default())?;
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("description");
            }
            schema
        }
    };
    let created = rpc.method.name().starts_with("Create");
    let revision = json!({
        "description": "The revision of the organization that the answer is based on.",
        "schema": { "type": "string" },
    });
    // Each line of a stream is one message.
    let media = if rpc.streams {
        "application/x-ndjson"
    } else {
        "application/json"
    };
    responses[if created { "201" } else { "200" }] = json!({
        "description": description,
        "headers": { "gatepost-revision": revision },
        "content": { (media): { "schema": schema } },
    });
    Ok(responses)
}

fn problem() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "description": "Why a call was refused or failed (RFC 9457).",
        "required": [
            "type", "title", "status", "detail", "instance", "code", "message", "reason",
            "requestId",
        ],
        "properties": {
            "type": text("Where the reason is explained."),
            "title": text("A short summary, the same for every occurrence."),
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": text("What is wrong this time."),
            "instance": text("The path of the call."),
            "code": text("The code that clients of Lerian's Access Manager know, or the reason."),
            "message": text("As `detail`."),
            "reason": text("The reason, for programs to branch on."),
            "requestId": text("Names the call in the server's log."),
            "field": text("The field at fault, when it is one."),
            "fields": {
                "type": "array",
                "description": "Every field at fault, with what is wrong with it.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {
                        "field": { "type": "string" },
                        "message": { "type": "string" },
                    },
                },
            },
        },
    })
}
