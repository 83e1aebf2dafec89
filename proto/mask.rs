//! `google.protobuf.FieldMask` with its canonical JSON: `"firstName,groups"`, one string.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// The fields that an update changes.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FieldMask {
    /// Names of fields, as the proto spells them.
    #[prost(string, repeated, tag = "1")]
    pub paths: Vec<String>,
}

impl FieldMask {
    /// Whether the mask names this field.
    pub fn names(&self, field: &str) -> bool {
        self.paths.iter().any(|path| path == field)
    }
}

impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<_> = self.paths.iter().map(|path| camel_case(path)).collect();
        serializer.serialize_str(&names.join(","))
    }
}

impl<'de> Deserialize<'de> for FieldMask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(MaskVisitor)
    }
}

struct MaskVisitor;

impl Visitor<'_> for MaskVisitor {
    type Value = FieldMask;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of fields, separated by commas")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<FieldMask, E> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Ok(FieldMask {
            paths: names.map(snake_case).collect(),
        })
    }
}

fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if letter == '_' {
            raise = true;
        } else if raise {
            camel.push(letter.to_ascii_uppercase());
            raise = false;
        } else {
            camel.push(letter);
        }
    }
    camel
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::FieldMask;

    #[test]
    fn is_one_string_in_json() {
        let mask = FieldMask {
            paths: vec!["first_name".into(), "groups".into()],
        };
        let json = serde_json::to_string(&mask).ok();
        assert_eq!(json.as_deref(), Some(r#""firstName,groups""#));
        assert_eq!(
            serde_json::from_str(r#""firstName, groups,""#).ok(),
            Some(mask.clone())
        );
        assert_eq!(
            serde_json::from_str(r#""first_name,groups""#).ok(),
            Some(mask)
        );
        assert!(serde_json::from_str::<FieldMask>("[]").is_err());
    }
}
