//! JSON Schemas of messages and fields, as the JSON mapping writes and the validation reads them.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::contract::{Contract, comment, is_secret};
use crate::rules::{FieldRules, TextRules};

/// Where schemas are referred to.
const SCHEMAS: &str = "#/components/schemas/";

/// The schemas of all messages and enums, by name.
pub fn all(contract: &Contract) -> Result<Map<String, Value>> {
    let mut schemas = Map::new();
    for message in &contract.messages {
        insert(&mut schemas, message.name(), of_message(contract, message)?)?;
    }
    for each in &contract.enums {
        insert(&mut schemas, each.name(), of_enum(each))?;
    }
    Ok(schemas)
}

fn insert(schemas: &mut Map<String, Value>, name: &str, schema: Value) -> Result<()> {
    match schemas.insert(name.to_owned(), schema) {
        None => Ok(()),
        Some(_) => Err(format!("two messages are called `{name}`").into()),
    }
}

/// A reference to the schema of a message.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{SCHEMAS}{name}") })
}

fn of_message(contract: &Contract, message: &MessageDescriptor) -> Result<Value> {
    let rpc = contract.rpc_of(message);
    let in_path = |field: &FieldDescriptor| {
        let mut routes = rpc.into_iter().flat_map(|rpc| &rpc.routes);
        routes.any(|route| route.variables.iter().any(|name| name == field.name()))
    };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in message.fields().filter(|field| !in_path(field)) {
        let rules = FieldRules::read(&field, &contract.field_rules)?;
        let needed = rules.required || rules.text.refuses_empty();
        let optional = field.field_descriptor_proto().proto3_optional();
        let may_be_absent = optional || (field.kind().as_message().is_some() && !field.is_list());
        let is_answer = message.name().ends_with("Response");
        if needed || (is_answer && !may_be_absent) {
            required.push(Value::from(field.json_name()));
        }
        properties.insert(field.json_name().to_owned(), of_field(&field, &rules)?);
    }
    let mut schema = json!({
        "type": "object",
        "description": comment(&message.parent_file(), message.path()),
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    Ok(schema)
}

fn of_enum(each: &EnumDescriptor) -> Value {
    let names: Vec<_> = each.values().map(|value| value.name().to_owned()).collect();
    let description = comment(&each.parent_file(), each.path());
    json!({ "type": "string", "description": description, "enum": names })
}

/// The schema of a field with its limits and its comment.
pub fn of_field(field: &FieldDescriptor, rules: &FieldRules) -> Result<Value> {
    let mut schema = if field.is_map() {
        let Kind::Message(entry) = field.kind() else {
            return Err("a map without entries".into());
        };
        let value = entry.map_entry_value_field();
        let mut schema = json!({
            "type": "object",
            "propertyNames": of_text(&rules.keys),
            "additionalProperties": of_kind(&value, &rules.items, rules)?,
        });
        set(&mut schema, "maxProperties", rules.items_max);
        schema
    } else if field.is_list() {
        let items = of_kind(field, &rules.items, rules)?;
        let mut schema = json!({ "type": "array", "items": items });
        set(&mut schema, "minItems", rules.items_min);
        set(&mut schema, "maxItems", rules.items_max);
        schema
    } else {
        of_kind(field, &rules.text, rules)?
    };
    if is_secret(field) {
        schema["format"] = "password".into();
    }
    schema["description"] = comment(&field.parent_message().parent_file(), field.path()).into();
    Ok(schema)
}

fn of_kind(field: &FieldDescriptor, text: &TextRules, rules: &FieldRules) -> Result<Value> {
    let schema = match field.kind() {
        Kind::String => of_text(text),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int32 => {
            let mut schema = json!({ "type": "integer", "format": "int32" });
            set(&mut schema, "minimum", rules.least);
            set(&mut schema, "maximum", rules.greatest);
            schema
        }
        Kind::Uint32 => json!({ "type": "integer", "format": "uint32", "minimum": 0 }),
        // As proto3 JSON writes 64 bits: more than a JavaScript number holds.
        Kind::Uint64 => json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]+$" }),
        Kind::Enum(each) => reference(each.name()),
        Kind::Message(each) => match each.full_name() {
            "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
            "google.protobuf.FieldMask" => json!({ "type": "string" }),
            "google.protobuf.Struct" => json!({ "type": "object" }),
            "google.protobuf.ListValue" => json!({ "type": "array" }),
            name if name.starts_with("gatepost.") => reference(each.name()),
            name => return Err(format!("the generator has no schema for `{name}`").into()),
        },
        kind => return Err(format!("{}: no schema for {kind:?}", field.full_name()).into()),
    };
    Ok(schema)
}

fn of_text(rules: &TextRules) -> Value {
    let mut schema = json!({ "type": "string" });
    set(&mut schema, "minLength", rules.length_min);
    set(&mut schema, "maxLength", rules.length_max);
    set(&mut schema, "format", rules.email.then_some("email"));
    set(&mut schema, "format", rules.uuid.then_some("uuid"));
    set(
        &mut schema,
        "enum",
        Some(rules.one_of.clone()).filter(|values| !values.is_empty()),
    );
    schema
}

/// Sets a keyword, when there is a value for it.
fn set(schema: &mut Value, keyword: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        schema[keyword] = value.into();
    }
}
