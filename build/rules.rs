//! The `buf.validate` rules of a field, as far as this generator knows them.

use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, Value};

use crate::Result;

/// `buf.validate.IGNORE_ALWAYS`.
const IGNORE_ALWAYS: i32 = 3;

/// The rules of one field.
#[derive(Default)]
pub struct FieldRules {
    pub required: bool,
    /// Of a string.
    pub text: TextRules,
    /// Of each string of a list, or of each value of a map.
    pub items: TextRules,
    /// Of each key of a map.
    pub keys: TextRules,
    /// Whether each message of a list is checked apart, by whoever handles it.
    pub items_ignored: bool,
    pub items_min: Option<u64>,
    pub items_max: Option<u64>,
    /// Least value of an `int32`.
    pub least: Option<i32>,
    /// Greatest value of an `int32`.
    pub greatest: Option<i32>,
    /// Whether an enum may hold declared values only.
    pub defined_only: bool,
}

/// The rules of a string. Lengths count characters.
#[derive(Default)]
pub struct TextRules {
    pub length_min: Option<u64>,
    pub length_max: Option<u64>,
    pub email: bool,
    pub uuid: bool,
    pub one_of: Vec<String>,
}

impl FieldRules {
    /// Reads the rules of a field. A rule that is not known here stops the build.
    pub fn read(field: &FieldDescriptor, extension: &ExtensionDescriptor) -> Result<Self> {
        let options = field.options();
        let mut rules = Self::default();
        if !options.has_extension(extension) {
            return Ok(rules);
        }
        let value = options.get_extension(extension).into_owned();
        for (rule, value) in set_fields(&value) {
            let known = match (rule.as_str(), &value) {
                ("required", Value::Bool(required)) => {
                    rules.required = *required;
                    true
                }
                ("string", _) => rules.text.read(&value),
                ("int32", _) => rules.read_number(&value),
                ("repeated", _) => rules.read_list(&value),
                ("map", _) => rules.read_map(&value),
                ("enum", _) => rules.read_enum(&value),
                _ => false,
            };
            if !known {
                let name = field.full_name();
                return Err(format!(
                    "{name}: the generator does not know a rule in buf.validate `{rule}`"
                )
                .into());
            }
        }
        Ok(rules)
    }

    fn read_number(&mut self, value: &Value) -> bool {
        set_fields(value)
            .into_iter()
            .all(|(rule, value)| match (rule.as_str(), value) {
                ("gte", Value::I32(least)) => self.least.replace(least).is_none(),
                ("lte", Value::I32(greatest)) => self.greatest.replace(greatest).is_none(),
                _ => false,
            })
    }

    fn read_list(&mut self, value: &Value) -> bool {
        set_fields(value)
            .into_iter()
            .all(|(rule, value)| match (rule.as_str(), &value) {
                ("min_items", Value::U64(count)) => self.items_min.replace(*count).is_none(),
                ("max_items", Value::U64(count)) => self.items_max.replace(*count).is_none(),
                ("items", _) => self.read_items(&value),
                _ => false,
            })
    }

    fn read_items(&mut self, value: &Value) -> bool {
        set_fields(value)
            .into_iter()
            .all(|(rule, value)| match (rule.as_str(), &value) {
                ("string", _) => self.items.read(&value),
                ("ignore", Value::EnumNumber(IGNORE_ALWAYS)) => {
                    self.items_ignored = true;
                    true
                }
                _ => false,
            })
    }

    fn read_map(&mut self, value: &Value) -> bool {
        set_fields(value)
            .into_iter()
            .all(|(rule, value)| match (rule.as_str(), &value) {
                ("max_pairs", Value::U64(count)) => self.items_max.replace(*count).is_none(),
                ("keys", _) => read_text(&mut self.keys, &value),
                ("values", _) => read_text(&mut self.items, &value),
                _ => false,
            })
    }

    fn read_enum(&mut self, value: &Value) -> bool {
        set_fields(value)
            .into_iter()
            .all(|(rule, value)| match (rule.as_str(), value) {
                ("defined_only", Value::Bool(defined_only)) => {
                    self.defined_only = defined_only;
                    true
                }
                _ => false,
            })
    }
}

impl TextRules {
    /// Whether every rule is known.
    fn read(&mut self, value: &Value) -> bool {
        set_fields(value)
            .into_iter()
            .all(|(rule, value)| match (rule.as_str(), value) {
                ("min_len", Value::U64(length)) => self.length_min.replace(length).is_none(),
                ("max_len", Value::U64(length)) => self.length_max.replace(length).is_none(),
                ("email", Value::Bool(true)) => {
                    self.email = true;
                    true
                }
                ("uuid", Value::Bool(true)) => {
                    self.uuid = true;
                    true
                }
                ("in", Value::List(values)) => {
                    self.one_of = values
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect();
                    true
                }
                _ => false,
            })
    }

    /// Whether an empty string breaks these rules, so that leaving the field out is *missing*.
    pub fn refuses_empty(&self) -> bool {
        self.length_min.is_some_and(|least| least > 0)
            || self.email
            || self.uuid
            || (!self.one_of.is_empty() && !self.one_of.iter().any(String::is_empty))
    }
}

/// Reads rules that are those of a string.
fn read_text(rules: &mut TextRules, value: &Value) -> bool {
    set_fields(value)
        .into_iter()
        .all(|(rule, value)| rule == "string" && rules.read(&value))
}

/// The fields that are set in a message of options, by name.
fn set_fields(value: &Value) -> Vec<(String, Value)> {
    let message: Option<&DynamicMessage> = value.as_message();
    let fields = message.into_iter().flat_map(DynamicMessage::fields);
    fields
        .map(|(field, value)| (field.name().to_owned(), value.clone()))
        .collect()
}
