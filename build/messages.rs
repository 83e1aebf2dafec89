//! Generates, per message, what the contract says beyond its shape: `Validate`, `Redact`, `Debug`
//! for messages with secrets, and for requests `Fields` and `Rpc`.

use std::fmt::Write as _;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::Result;
use crate::contract::{Access, Contract, Rpc, is_secret, rust_field, rust_type};
use crate::rules::{FieldRules, TextRules};

/// Rust source of the implementations for all messages, and of the table of rules.
pub fn generate(contract: &Contract) -> Result<String> {
    let mut out = String::new();
    for message in &contract.messages {
        generate_validate(&mut out, contract, message)?;
        generate_redact(&mut out, message)?;
        if message.fields().any(|field| is_secret(&field)) {
            generate_debug(&mut out, message)?;
        }
        if let Some(rpc) = contract.rpc_of(message) {
            generate_fields(&mut out, contract, message)?;
            generate_rpc(&mut out, rpc)?;
        }
    }
    generate_table(&mut out, contract)?;
    Ok(out)
}

/// The Rust type of a message.
pub fn type_of(message: &MessageDescriptor) -> String {
    rust_type(message.package_name(), message.name())
}

fn generate_validate(
    out: &mut String,
    contract: &Contract,
    message: &MessageDescriptor,
) -> Result<()> {
    let mut body = String::new();
    for field in message.fields() {
        let rules = FieldRules::read(&field, &contract.field_rules)?;
        if field.is_map() {
            validate_map(&mut body, contract, message, &field, &rules)?;
        } else if field.is_list() {
            validate_list(&mut body, contract, message, &field, &rules)?;
        } else {
            validate_one(&mut body, contract, message, &field, &rules)?;
        }
    }
    let argument = if body.is_empty() { "_" } else { "violations" };
    writeln!(
        out,
        "impl crate::validate::Validate for {} {{\n    \
         fn validate(&self, {argument}: &mut crate::validate::Violations) {{\n{body}    }}\n}}",
        type_of(message)
    )?;
    Ok(())
}

fn validate_list(
    body: &mut String,
    contract: &Contract,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    rules: &FieldRules,
) -> Result<()> {
    let (json, rust) = (field.json_name(), rust_field(field));
    if rules.items_min.is_some() || rules.items_max.is_some() {
        let (least, most) = (rules.items_min, rules.items_max);
        writeln!(
            body,
            "        violations.items({json:?}, self.{rust}.len(), {least:?}, {most:?});"
        )?;
    }
    match field.kind() {
        Kind::String => {
            let rule = text_rule(&rules.items);
            writeln!(
                body,
                "        violations.texts({json:?}, &self.{rust}, &{rule});"
            )?;
        }
        Kind::Message(_) if rules.items_ignored => {}
        Kind::Message(each) if contract.messages.contains(&each) => writeln!(
            body,
            "        for (index, each) in self.{rust}.iter().enumerate() {{\n            \
             violations.within({json:?}, Some(index), each);\n        }}"
        )?,
        kind => refuse_unsearchable(contract, message, field, &kind)?,
    }
    Ok(())
}

/// A map of texts to texts; any other has no rules that the generator knows.
fn validate_map(
    body: &mut String,
    contract: &Contract,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    rules: &FieldRules,
) -> Result<()> {
    let kind = field.kind();
    let entry = kind.as_message().ok_or("a map without entries")?;
    let of_texts = entry.map_entry_key_field().kind() == Kind::String
        && entry.map_entry_value_field().kind() == Kind::String;
    if !of_texts {
        return refuse_unsearchable(contract, message, field, &kind);
    }
    let (json, rust) = (field.json_name(), rust_field(field));
    let (key, value) = (text_rule(&rules.keys), text_rule(&rules.items));
    writeln!(
        body,
        "        violations.pairs({json:?}, &self.{rust}, {:?}, &{key}, &{value});",
        rules.items_max
    )?;
    Ok(())
}

fn validate_one(
    body: &mut String,
    contract: &Contract,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    rules: &FieldRules,
) -> Result<()> {
    let (json, rust) = (field.json_name(), rust_field(field));
    let optional = field.field_descriptor_proto().proto3_optional();
    let oneof = field.containing_oneof().is_some() && !optional;
    if oneof {
        return Err(format!("{}: the generator knows no oneof", field.full_name()).into());
    }
    match field.kind() {
        Kind::String if optional => writeln!(
            body,
            "        if let Some(text) = &self.{rust} {{\n            \
             violations.text({json:?}, text, &{});\n        }}",
            text_rule(&rules.text)
        )?,
        Kind::String => {
            let rule = text_rule(&rules.text);
            writeln!(
                body,
                "        violations.text({json:?}, &self.{rust}, &{rule});"
            )?;
        }
        Kind::Int32 if rules.least.is_some() || rules.greatest.is_some() => writeln!(
            body,
            "        violations.number({json:?}, self.{rust}, {:?}, {:?});",
            rules.least, rules.greatest
        )?,
        Kind::Enum(each) if rules.defined_only => {
            let path = rust_type(each.package_name(), each.name());
            let known = format!("{path}::try_from(self.{rust}).is_ok()");
            writeln!(body, "        violations.declared({json:?}, {known});")?;
        }
        Kind::Message(each) if each.full_name() == "google.protobuf.FieldMask" => {
            let names = maskable(contract, message);
            writeln!(
                body,
                "        violations.mask({json:?}, self.{rust}.as_ref(), &{names:?});"
            )?;
        }
        Kind::Message(each) if contract.messages.contains(&each) => {
            writeln!(
                body,
                "        if let Some(each) = &self.{rust} {{\n            \
                 violations.within({json:?}, None, each);\n        }}"
            )?;
            if rules.required {
                writeln!(
                    body,
                    "        violations.present({json:?}, self.{rust}.is_some());"
                )?;
            }
        }
        kind => refuse_unsearchable(contract, message, field, &kind)?,
    }
    Ok(())
}

/// Stops the build when a request holds free JSON: its strings are not searched for NUL.
fn refuse_unsearchable(
    contract: &Contract,
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    kind: &Kind,
) -> Result<()> {
    let Kind::Message(each) = kind else {
        return Ok(());
    };
    let free = !matches!(
        each.full_name(),
        "google.protobuf.Timestamp" | "google.protobuf.Duration"
    );
    if free && contract.rpc_of(message).is_some() {
        let name = field.full_name();
        return Err(format!("{name}: the generator cannot validate {}", each.full_name()).into());
    }
    Ok(())
}

/// Proto names of the fields that a field mask may name: those that are not the mask itself and
/// do not say *which* record is meant.
fn maskable(contract: &Contract, message: &MessageDescriptor) -> Vec<String> {
    let rpc = contract.rpc_of(message);
    let in_path = |name: &str| {
        rpc.is_some_and(|rpc| {
            rpc.routes
                .iter()
                .any(|route| route.variables.iter().any(|each| each == name))
        })
    };
    let fields = message
        .fields()
        .filter(|field| !is_mask(field) && !in_path(field.name()));
    fields.map(|field| field.name().to_owned()).collect()
}

fn is_mask(field: &FieldDescriptor) -> bool {
    let kind = field.kind();
    kind.as_message()
        .is_some_and(|each| each.full_name() == "google.protobuf.FieldMask")
}

fn text_rule(rules: &TextRules) -> String {
    let form = match (rules.email, rules.uuid) {
        (true, _) => "Email",
        (false, true) => "Uuid",
        (false, false) => "Any",
    };
    format!(
        "crate::validate::Text {{ length_min: {}, length_max: {:?}, form: \
         crate::validate::Form::{form}, one_of: &{:?}, refuses_empty: {} }}",
        rules.length_min.unwrap_or(0),
        rules.length_max,
        rules.one_of,
        rules.refuses_empty()
    )
}

fn generate_redact(out: &mut String, message: &MessageDescriptor) -> Result<()> {
    let mut body = String::new();
    for field in message.fields() {
        let rust = rust_field(&field);
        let ours = matches!(field.kind(), Kind::Message(each)
            if each.package_name().starts_with("gatepost."));
        if is_secret(&field) {
            writeln!(body, "        self.{rust} = Default::default();")?;
        } else if ours && !field.is_map() {
            writeln!(
                body,
                "        for each in self.{rust}.iter_mut() {{\n            \
                 crate::redact::Redact::redact(each);\n        }}"
            )?;
        }
    }
    let name = type_of(message);
    writeln!(
        out,
        "impl crate::redact::Redact for {name} {{\n    fn redact(&mut self) {{\n{body}    }}\n}}"
    )?;
    Ok(())
}

fn generate_debug(out: &mut String, message: &MessageDescriptor) -> Result<()> {
    let mut body = String::new();
    for field in message.fields() {
        let (name, rust) = (field.name(), rust_field(&field));
        if is_secret(&field) {
            writeln!(
                body,
                "            .field({name:?}, &crate::redact::REDACTED)"
            )?;
        } else {
            writeln!(body, "            .field({name:?}, &self.{rust})")?;
        }
    }
    writeln!(
        out,
        "impl core::fmt::Debug for {} {{\n    \
         fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {{\n        \
         f.debug_struct({:?})\n{body}            .finish()\n    }}\n}}",
        type_of(message),
        message.name()
    )?;
    Ok(())
}

fn generate_fields(
    out: &mut String,
    contract: &Contract,
    message: &MessageDescriptor,
) -> Result<()> {
    let (mut table, mut set, mut text) = (String::new(), String::new(), String::new());
    let mut mask = "None".to_owned();
    for field in message.fields() {
        let (name, json, rust) = (field.name(), field.json_name(), rust_field(&field));
        let repeated = field.is_list();
        writeln!(
            table,
            "        crate::fields::FieldInfo {{ name: {name:?}, json: {json:?}, \
             repeated: {repeated} }},"
        )?;
        let optional = field.field_descriptor_proto().proto3_optional();
        let setter = match field.kind() {
            Kind::String if repeated => Some("push"),
            Kind::String if optional => Some("optional_text"),
            Kind::String => Some("text"),
            Kind::Bool if !repeated && !optional => Some("flag"),
            Kind::Int32 | Kind::Uint32 | Kind::Int64 | Kind::Uint64 if !repeated && !optional => {
                Some("number")
            }
            _ => None,
        };
        if let Some(setter) = setter {
            writeln!(
                set,
                "            {name:?} => crate::fields::{setter}(&mut self.{rust}, value),"
            )?;
        }
        if setter == Some("text") {
            writeln!(text, "            {name:?} => Some(&self.{rust}),")?;
        }
        if is_mask(&field) {
            mask = format!("Some(&mut self.{rust})");
        }
    }
    let maskable = maskable(contract, message);
    let by_name = |arms: &str, other: &str| match arms {
        "" => other.to_owned(),
        _ => format!("match field {{\n{arms}            _ => {other},\n        }}"),
    };
    let set_body = by_name(&set, "crate::fields::Set::NotText");
    let text_body = by_name(&text, "None");
    let by_set = if set.is_empty() { "_" } else { "field" };
    let by_text = if text.is_empty() { "_" } else { "field" };
    let value = if set.is_empty() { "_" } else { "value" };
    writeln!(
        out,
        "impl crate::fields::Fields for {name} {{\n    \
         const FIELDS: &'static [crate::fields::FieldInfo] = &[\n{table}    ];\n    \
         const MASKABLE: &'static [&'static str] = &{maskable:?};\n    \
         fn set(&mut self, {by_set}: &str, {value}: &str) -> crate::fields::Set {{\n        \
         {set_body}\n    }}\n    \
         fn text(&self, {by_text}: &str) -> Option<&str> {{\n        {text_body}\n    }}\n    \
         fn mask(&mut self) -> Option<&mut Option<crate::mask::FieldMask>> {{ {mask} }}\n}}",
        name = type_of(message),
    )?;
    Ok(())
}

fn generate_rpc(out: &mut String, rpc: &Rpc) -> Result<()> {
    writeln!(
        out,
        "impl crate::rpc::Rpc for {} {{\n    type Response = {};\n    \
         const NAME: &'static str = {:?};\n    const RULE: crate::rpc::Rule = {};\n}}",
        type_of(&rpc.method.input()),
        type_of(&rpc.method.output()),
        rpc.wire_name(),
        rule(rpc)
    )?;
    Ok(())
}

fn rule(rpc: &Rpc) -> String {
    let access = match &rpc.access {
        Access::Public => "Public".to_owned(),
        Access::Authenticated => "Authenticated".to_owned(),
        Access::Custom(sentence) => format!("Custom({sentence:?})"),
        Access::Permission {
            product,
            resource,
            action,
        } => format!(
            "Permission(crate::rpc::Permission {{ product: {product:?}, resource: {resource:?}, \
             action: {action:?} }})"
        ),
    };
    format!(
        "crate::rpc::Rule {{ access: crate::rpc::Access::{access}, effect: \
         crate::rpc::Effect::{}, audit: {:?}, installation: {} }}",
        rpc.effect, rpc.audit, rpc.installation
    )
}

fn generate_table(out: &mut String, contract: &Contract) -> Result<()> {
    writeln!(
        out,
        "/// Every RPC of the contract, in the order of their names.\n\
         pub static RULES: &[crate::rpc::RpcInfo] = &["
    )?;
    for rpc in &contract.rpcs {
        let main = rpc.routes.first().ok_or("an RPC without a route")?;
        writeln!(
            out,
            "    crate::rpc::RpcInfo {{ name: {:?}, service: {:?}, method: {:?}, rule: {}, \
             http_method: {:?}, path: {:?}, comment: {:?} }},",
            rpc.wire_name(),
            rpc.method.parent_service().full_name(),
            rpc.method.name(),
            rule(rpc),
            main.http_method,
            main.template,
            rpc.comment
        )?;
    }
    writeln!(out, "];")?;
    Ok(())
}
