//! Whether a message keeps the rules that the contract annotates its fields with.

use std::collections::BTreeMap;

use crate::ErrorReason;
use crate::mask::FieldMask;
use crate::reason;

/// Violations that are told of at most; a caller with more mends these first.
pub const VIOLATIONS_MAX: usize = 20;

/// A message that knows its rules. Implemented by the generator for every message.
pub trait Validate {
    /// Adds what is wrong with this message.
    fn validate(&self, violations: &mut Violations);
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field as JSON spells it, from the root: `owner.email`, `permissions[2].action`.
    pub field: String,
    /// What the rule asks for. Never repeats the value.
    pub message: String,
    /// Whether the field is not there at all.
    pub missing: bool,
}

/// The broken rules of one request.
#[derive(Debug, Default)]
pub struct Violations {
    found: Vec<Violation>,
    /// The path of the message that is being looked at, with its final dot.
    prefix: String,
}

/// The form that a string must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any.
    Any,
    /// An e-mail address.
    Email,
    /// A UUID with hyphens.
    Uuid,
}

/// The rules of a string.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// Least length, in characters.
    pub length_min: usize,
    /// Greatest length, in characters.
    pub length_max: Option<usize>,
    /// Its form.
    pub form: Form,
    /// The values it may have; empty for any.
    pub one_of: &'static [&'static str],
    /// Whether the empty string breaks a rule.
    pub refuses_empty: bool,
}

impl Violations {
    /// Whether every rule is kept.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The broken rules, in the order of the fields.
    pub fn as_slice(&self) -> &[Violation] {
        &self.found
    }

    /// Adds a broken rule of a field of the message at hand.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.push(field, message.into(), false);
    }

    /// `INVALID_REQUEST` with the broken rules as its details, if there are any.
    ///
    /// # Errors
    /// The status to answer with.
    pub fn into_result(self) -> Result<(), tonic::Status> {
        let Some(first) = self.found.first() else {
            return Ok(());
        };
        let detail = format!("`{}` {}", first.field, first.message);
        let mut metadata = vec![("field", first.field.as_str())];
        if first.missing {
            metadata.push(("at", "missing"));
        }
        let fields = self
            .found
            .iter()
            .map(|each| (each.field.as_str(), each.message.as_str()));
        Err(reason::status_with_fields(
            ErrorReason::InvalidRequest,
            detail,
            &metadata,
            fields,
        ))
    }

    /// Looks at a message that is a field of the one at hand, or an item of a list in it.
    pub fn within(&mut self, field: &str, index: Option<usize>, message: &impl Validate) {
        let outer = self.prefix.len();
        self.prefix.push_str(field);
        if let Some(index) = index {
            self.prefix.push('[');
            self.prefix.push_str(&index.to_string());
            self.prefix.push(']');
        }
        self.prefix.push('.');
        message.validate(self);
        self.prefix.truncate(outer);
    }

    /// Checks a string.
    pub fn text(&mut self, field: &str, value: &str, rule: &Text) {
        if value.is_empty() && rule.refuses_empty {
            self.push(field, "is missing".to_owned(), true);
        } else if let Some(message) = rule.breach(value) {
            self.add(field, message);
        }
    }

    /// Checks each string of a list.
    pub fn texts(&mut self, field: &str, values: &[String], rule: &Text) {
        for (index, value) in values.iter().enumerate() {
            if let Some(message) = rule.breach(value) {
                self.add(&format!("{field}[{index}]"), message);
            }
        }
    }

    /// Checks each key and value of a map, and how many there are. A key may be long and is not
    /// repeated: the field is the map.
    pub fn pairs(
        &mut self,
        field: &str,
        pairs: &BTreeMap<String, String>,
        most: Option<usize>,
        key_rule: &Text,
        value_rule: &Text,
    ) {
        self.items(field, pairs.len(), None, most);
        for (key, value) in pairs {
            if let Some(message) = key_rule.breach(key) {
                self.add(field, format!("has a key that {message}"));
            }
            if let Some(message) = value_rule.breach(value) {
                self.add(field, format!("has a value that {message}"));
            }
        }
    }

    /// Checks the length of a list.
    pub fn items(&mut self, field: &str, count: usize, least: Option<usize>, most: Option<usize>) {
        if let Some(least) = least.filter(|least| count < *least) {
            self.add(field, format!("must have at least {least} items"));
        }
        if let Some(most) = most.filter(|most| count > *most) {
            self.add(field, format!("must have at most {most} items"));
        }
    }

    /// Checks a number.
    pub fn number(&mut self, field: &str, value: i32, least: Option<i32>, greatest: Option<i32>) {
        if let Some(least) = least.filter(|least| value < *least) {
            self.add(field, format!("must be {least} or more"));
        }
        if let Some(greatest) = greatest.filter(|greatest| value > *greatest) {
            self.add(field, format!("must be {greatest} or less"));
        }
    }

    /// Checks that an enum holds a declared value.
    pub fn declared(&mut self, field: &str, is_declared: bool) {
        if !is_declared {
            self.add(field, "has a value that is not declared");
        }
    }

    /// Checks that a required message is there.
    pub fn present(&mut self, field: &str, is_present: bool) {
        if !is_present {
            self.push(field, "is missing".to_owned(), true);
        }
    }

    /// Checks that an update mask names fields that can be changed.
    pub fn mask(&mut self, field: &str, mask: Option<&FieldMask>, maskable: &[&str]) {
        let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
        if !paths.iter().all(|path| maskable.contains(&path.as_str())) {
            self.add(field, "names a field that cannot be changed");
        }
    }

    fn push(&mut self, field: &str, message: String, missing: bool) {
        if self.found.len() < VIOLATIONS_MAX {
            let field = format!("{}{field}", self.prefix);
            self.found.push(Violation {
                field,
                message,
                missing,
            });
        }
    }
}

impl Text {
    /// What is wrong with a string, if anything is.
    fn breach(&self, value: &str) -> Option<String> {
        // Databases refuse NUL in text, each in its own way; it has no meaning in any field.
        if value.contains('\0') {
            return Some("must not contain a NUL character".to_owned());
        }
        // A character takes one byte to four, so most lengths need no counting. Where it is needed,
        // it stops early: a long string is not walked to its end.
        let (least, most) = (self.length_min, self.length_max.unwrap_or(usize::MAX));
        if value.len() > most || value.len() < least.saturating_mul(4) {
            let length = value.chars().take(most.saturating_add(1)).count();
            if length > most {
                return Some(format!("must have at most {most} characters"));
            }
            if length < least {
                return Some(format!("must have at least {least} characters"));
            }
        }
        if !self.one_of.is_empty() && !self.one_of.contains(&value) {
            let named = self.one_of.iter().filter(|each| !each.is_empty());
            let named: Vec<_> = named.map(|each| format!("`{each}`")).collect();
            return Some(format!("must be one of {}", named.join(", ")));
        }
        match self.form {
            Form::Email if !is_email(value) => Some("must be an e-mail address".to_owned()),
            Form::Uuid if !is_uuid(value) => Some("must be a UUID".to_owned()),
            Form::Any | Form::Email | Form::Uuid => None,
        }
    }
}

/// Whether a text looks like an e-mail address. Only a message to it can prove that it is one.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let in_local =
        |letter: char| letter.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(letter);
    let is_label = |label: &str| {
        let inside = |letter: char| letter.is_alphanumeric() || letter == '-';
        !label.is_empty()
            && label.chars().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    !local.is_empty() && local.chars().all(in_local) && domain.split('.').all(is_label)
}

/// Whether a text is a UUID in its usual spelling, of any version.
fn is_uuid(text: &str) -> bool {
    let hyphens = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| {
            if hyphens.contains(&index) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

#[cfg(test)]
mod tests;
