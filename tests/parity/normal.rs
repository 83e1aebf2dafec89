//! Two worlds never have the same ids, times and secrets; everything else they must have alike.

use std::collections::HashMap;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::faces::Outcome;

/// What is there or not, and never alike.
const UNLIKE: [&str; 15] = [
    "accessToken",
    "ceremony",
    "clientSecret",
    "deviceToken",
    "idToken",
    "knownDevice",
    "mfaToken",
    "n",
    "nextPageToken",
    "options",
    "refreshToken",
    "secret",
    "url",
    "x",
    "y",
];

/// How fresh an answer is: a number each time, and another one.
const AGES: [&str; 2] = ["ageMs", "lagMs"];

/// Gives each id a number, in the order in which they appear in one world.
#[derive(Default)]
pub struct Normal {
    ids: HashMap<Uuid, usize>,
}

impl Normal {
    /// An outcome that can be compared with another world's.
    pub fn outcome(&mut self, outcome: Outcome) -> Outcome {
        Outcome {
            answer: self.value(outcome.answer),
            ..outcome
        }
    }

    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(mut items) => {
                // What was made in one moment has no order of its own.
                items.sort_by_cached_key(|item| {
                    let name = item.get("name").or(item.get("alg"));
                    name.map(Value::to_string)
                });
                items.into_iter().map(|item| self.value(item)).collect()
            }
            Value::Object(fields) => self.object(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    fn object(&mut self, mut fields: Map<String, Value>) -> Value {
        for name in AGES {
            if let Some(Value::Number(age)) = fields.get_mut(name) {
                *age = 0.into();
            }
        }
        for name in UNLIKE {
            if let Some(Value::String(text)) = fields.get_mut(name)
                && !text.is_empty()
            {
                "something".clone_into(text);
            }
        }
        if let Some(Value::Array(codes)) = fields.get_mut("recoveryCodes") {
            for code in codes.iter_mut() {
                *code = "a code".into();
            }
        }
        // The hash of an audit event is over its ids; that of a manifest is the same everywhere.
        if fields.contains_key("requestId") {
            fields.insert("hash".to_owned(), "a hash".into());
        }
        // Each face has a client of its own.
        if fields.contains_key("userAgent") {
            fields.insert("userAgent".to_owned(), "a program".into());
        }
        // How fresh an answer was: the bound is a setting, the rest is of the moment.
        if fields.contains_key("boundMs") {
            for name in ["ageMs", "lagMs"] {
                fields.insert(name.to_owned(), "milliseconds".into());
            }
        }
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name, self.value(value)));
        Value::Object(fields.collect())
    }

    fn text(&mut self, text: String) -> Value {
        if let Ok(id) = text.parse() {
            let next = self.ids.len();
            return format!("id {}", self.ids.entry(id).or_insert(next)).into();
        }
        // A subject: `<owner>/<id>`.
        if let Some((owner, id)) = text.split_once('/')
            && let Ok(id) = id.parse()
        {
            let next = self.ids.len();
            return format!("{owner}/id {}", self.ids.entry(id).or_insert(next)).into();
        }
        match OffsetDateTime::parse(&text, &Rfc3339) {
            Ok(_) => "a time".into(),
            Err(_) => text.into(),
        }
    }
}

/// The first place where two outcomes differ, as a JSON pointer with both values.
pub fn difference(left: &Outcome, right: &Outcome) -> Option<String> {
    let (left_rest, right_rest) = (
        (&left.refusal, &left.revision),
        (&right.refusal, &right.revision),
    );
    if left_rest != right_rest {
        return Some(format!("{left_rest:?} is not {right_rest:?}"));
    }
    place("", &left.answer, &right.answer)
}

fn place(at: &str, left: &Value, right: &Value) -> Option<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let names = left.keys().chain(right.keys());
            let side = |side: &Map<String, Value>, name| side.get(name).cloned();
            names.into_iter().find_map(|name| {
                let at = format!("{at}/{name}");
                match (side(left, name), side(right, name)) {
                    (Some(left), Some(right)) => place(&at, &left, &right),
                    (left, right) => Some(format!("{at}: {left:?} is not {right:?}")),
                }
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let mut pairs = left.iter().zip(right).enumerate();
            pairs.find_map(|(index, (left, right))| place(&format!("{at}/{index}"), left, right))
        }
        _ if left == right => None,
        _ => Some(format!("{at}: {left} is not {right}")),
    }
}
