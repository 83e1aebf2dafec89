//! Names: what may be one, and when two are the same.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::limits::{EMAIL_CHARS_MAX, NAME_CHARS_MAX, SLUG_CHARS_MAX};
use crate::role::ANY;

/// Why a text is not the name it should be. The messages are for people and do not repeat the
/// text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NameError {
    /// There is nothing.
    #[error("must not be empty")]
    Empty,
    /// There is too much.
    #[error("must be at most {max} characters")]
    TooLong {
        /// The most characters allowed.
        max: usize,
    },
    /// A character that may not be in it.
    #[error("must not contain {0:?}")]
    Character(char),
    /// Space at an end, which nobody sees.
    #[error("must not begin or end with white space")]
    Edge,
    /// A group or role name that could be taken for an id.
    #[error("must not look like an id")]
    LooksLikeId,
    /// No slug.
    #[error("must be lower-case letters, digits and inner hyphens")]
    Slug,
    /// No e-mail address.
    #[error("must be an e-mail address")]
    Email,
    /// A wildcard where something must be named.
    #[error("must not be `*`")]
    Wildcard,
}

/// Makes a type of checked text.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($parse:path))*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks a text and brings it into its one spelling.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                $parse(text).map(Self)
            }

            /// The name as it is kept and shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name as it is compared: two names with one key are the same.
            pub fn key(&self) -> String {
                key(&self.0)
            }

            /// The name itself.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }
    )*};
}

names! {
    /// The short name of an organization or product: a DNS label in lower case.
    Slug(parse_slug)
    /// The name a person signs in with.
    Username(parse_username)
    /// An e-mail address.
    Email(parse_email)
    /// The name of a group. It never looks like an id, so that paths can hold either.
    GroupName(parse_addressable)
    /// The name of a role. It never looks like an id, so that paths can hold either.
    RoleName(parse_addressable)
    /// A name that is only shown: of a person, an organization, an application.
    DisplayName(parse_display)
}

/// The form in which names are compared: NFC, case folded. Doing it twice changes nothing.
pub fn key(text: &str) -> String {
    // Lower case can undo the composition and the composition can bring back upper case (as for
    // `İ`), so this is repeated until nothing changes; it ends after the second time.
    let mut key = fold(text);
    for _ in 0..3 {
        let next = fold(&key);
        if next == key {
            break;
        }
        key = next;
    }
    key
}

fn fold(text: &str) -> String {
    let lower: String = text.nfc().flat_map(fold_char).collect();
    lower.nfc().collect()
}

/// Lower case by character: unlike `str::to_lowercase` it does not look at the neighbours, and so
/// both small sigmas are one, as Unicode case folding has it.
fn fold_char(character: char) -> impl Iterator<Item = char> {
    let upper_first = character.to_uppercase().flat_map(char::to_lowercase);
    upper_first.flat_map(|character| {
        let sigma = if character == 'ς' { 'σ' } else { character };
        std::iter::once(sigma)
    })
}

/// Checks the name of a product, resource or action, as a question or a manifest names it.
pub fn check_part(text: &str) -> Result<(), NameError> {
    check_pattern(text)?;
    if text == ANY {
        Err(NameError::Wildcard)
    } else {
        Ok(())
    }
}

/// Checks a resource or action as a role names it: a name, or `*` alone for all.
pub fn check_pattern(text: &str) -> Result<(), NameError> {
    if text == ANY {
        return Ok(());
    }
    check_length(text, NAME_CHARS_MAX)?;
    refuse(text, |character| {
        matches!(character, '/' | ':' | '*') || is_blank(character)
    })
}

fn parse_slug(text: &str) -> Result<String, NameError> {
    check_length(text, SLUG_CHARS_MAX)?;
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = text.starts_with('-') || text.ends_with('-');
    if edge || !text.bytes().all(known) {
        return Err(NameError::Slug);
    }
    Ok(text.into())
}

fn parse_username(text: &str) -> Result<String, NameError> {
    let text = parse_display(text)?;
    refuse(&text, is_joiner)?;
    Ok(text)
}

fn parse_display(text: &str) -> Result<String, NameError> {
    // NFC can grow a text threefold; what is far too long is not worth normalising.
    check_length(text, NAME_CHARS_MAX * 4)?;
    let text: String = text.nfc().collect();
    check_length(&text, NAME_CHARS_MAX)?;
    refuse(&text, is_unseen)?;
    if text.trim() != text {
        return Err(NameError::Edge);
    }
    Ok(text)
}

fn parse_addressable(text: &str) -> Result<String, NameError> {
    let text = parse_username(text)?;
    refuse(&text, |character| character == '/')?;
    if Uuid::try_parse(&text).is_ok() {
        return Err(NameError::LooksLikeId);
    }
    Ok(text)
}

/// What stands around and between addresses in the header of a mail (RFC 5322 §3.2.3), and is in
/// none that is written without quotes.
const SPECIALS: &str = ",;:<>()[]\\\"";

fn parse_email(text: &str) -> Result<String, NameError> {
    check_length(text, EMAIL_CHARS_MAX)?;
    let text: String = text.nfc().collect();
    check_length(&text, EMAIL_CHARS_MAX)?;
    let (local, domain) = text.split_once('@').ok_or(NameError::Email)?;
    let labels = domain
        .split('.')
        .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let is_special = |character| SPECIALS.contains(character);
    let is_one = !text.contains(is_blank) && !text.contains(is_special);
    if local.is_empty() || !labels || domain.contains('@') || !is_one {
        return Err(NameError::Email);
    }
    Ok(text)
}

fn check_length(text: &str, max: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    // Counting stops at the limit, however long the text.
    if text.chars().nth(max).is_some() {
        Err(NameError::TooLong { max })
    } else {
        Ok(())
    }
}

fn refuse(text: &str, bad: impl Fn(char) -> bool) -> Result<(), NameError> {
    let found = text.chars().find(|character| bad(*character));
    found.map_or(Ok(()), |found| Err(NameError::Character(found)))
}

/// What cannot be seen, in any way.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || is_unseen(character) || is_joiner(character)
}

/// Joiners: needed to spell some scripts and emoji, and otherwise a way to look like another.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// Control characters, and the marks that hide or turn around the text beside them.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{feff}'
        )
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests;
