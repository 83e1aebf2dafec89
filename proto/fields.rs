//! Fields of a request by name: how path variables, query parameters and forms reach a message.

use std::str::FromStr;

use crate::mask::FieldMask;

/// A request whose fields can be set by name.
pub trait Fields {
    /// Every field, in the order of the contract.
    const FIELDS: &'static [FieldInfo];
    /// Proto names of the fields that an update mask may name.
    const MASKABLE: &'static [&'static str];
    /// Sets the field with this proto name from a text.
    fn set(&mut self, field: &str, value: &str) -> Set;
    /// The string field with this proto name.
    fn text(&self, field: &str) -> Option<&str>;
    /// The update mask, when the message has one.
    fn mask(&mut self) -> Option<&mut Option<FieldMask>>;

    /// The field with this name, in camel case or as the proto spells it.
    fn find(name: &str) -> Option<&'static FieldInfo> {
        Self::FIELDS
            .iter()
            .find(|field| field.name == name || field.json == name)
    }
}

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// As the proto spells it.
    pub name: &'static str,
    /// In camel case, as JSON spells it.
    pub json: &'static str,
    /// Whether it is a list.
    pub repeated: bool,
}

/// What came of setting a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// The field has the value.
    Done,
    /// The text is no value of the field's type, which is this.
    Refused(&'static str),
    /// The field is no scalar.
    NotText,
}

/// Sets a string.
pub fn text(field: &mut String, value: &str) -> Set {
    value.clone_into(field);
    Set::Done
}

/// Sets a string that may be absent.
pub fn optional_text(field: &mut Option<String>, value: &str) -> Set {
    *field = Some(value.to_owned());
    Set::Done
}

/// Adds to a list of strings.
pub fn push(field: &mut Vec<String>, value: &str) -> Set {
    field.push(value.to_owned());
    Set::Done
}

/// Sets a whole number.
pub fn number<N: FromStr>(field: &mut N, value: &str) -> Set {
    parsed(field, value, "a whole number")
}

/// Sets a boolean.
pub fn flag(field: &mut bool, value: &str) -> Set {
    parsed(field, value, "`true` or `false`")
}

fn parsed<T: FromStr>(field: &mut T, value: &str, kind: &'static str) -> Set {
    let Ok(parsed) = value.parse() else {
        return Set::Refused(kind);
    };
    *field = parsed;
    Set::Done
}

#[cfg(test)]
mod tests {
    use super::{Set, flag, number, optional_text, push, text};

    #[test]
    fn texts_become_values_of_the_fields_type() {
        let (mut string, mut list, mut count, mut yes) = (String::new(), Vec::new(), 0_u64, false);
        let mut maybe = None;
        assert_eq!(text(&mut string, "a"), Set::Done);
        assert_eq!(optional_text(&mut maybe, ""), Set::Done);
        assert_eq!(push(&mut list, "b"), Set::Done);
        assert_eq!(number(&mut count, "18446744073709551615"), Set::Done);
        assert_eq!(flag(&mut yes, "true"), Set::Done);
        assert_eq!((string.as_str(), count, yes), ("a", u64::MAX, true));
        assert_eq!((list, maybe), (vec!["b".to_owned()], Some(String::new())));
        for bad in ["", "1.5", "-1", "1e3", " 1", "one", "18446744073709551616"] {
            assert_eq!(
                number(&mut count, bad),
                Set::Refused("a whole number"),
                "{bad}"
            );
        }
        assert_eq!(flag(&mut yes, "1"), Set::Refused("`true` or `false`"));
        assert_eq!(count, u64::MAX);
    }
}
