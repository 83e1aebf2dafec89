//! What is wrong with the settings, and what may have been meant.

use thiserror::Error;

use super::settings::SETTINGS;

/// Why the settings cannot be used. Each is one line that names the setting.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A variable or key that is none of ours.
    #[error("unknown setting `{name}` in {place}{hint}")]
    Unknown {
        /// As it was written.
        name: String,
        /// Where it stood.
        place: String,
        /// The nearest name there is.
        hint: String,
    },
    /// A value that cannot be read.
    #[error("setting `{name}`: {why}")]
    Bad {
        /// The variable's name.
        name: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The file cannot be read, or is no TOML.
    #[error("settings file `{path}`: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// The known name that differs least, when it differs little.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    SETTINGS
        .iter()
        .map(|setting| (distance(name, setting.name), setting.name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| name)
}

/// Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (slot, b) in row.iter_mut().skip(1).zip(right.chars()) {
            let cost = usize::from(a != b);
            let value = (diagonal + cost).min(before + 1).min(*slot + 1);
            diagonal = *slot;
            *slot = value;
            before = value;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
