//! What a password must be. Whether it is the right one is not decided here.

use crate::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PASSWORDS_REMEMBERED};
use crate::name::key;

/// What a new password is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Least characters.
    pub chars_min: usize,
    /// How many of a user's last passwords must not come back, the present one among them; 0 for
    /// none.
    pub remembered: u32,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            chars_min: PASSWORD_CHARS_MIN,
            remembered: PASSWORDS_REMEMBERED,
        }
    }
}

/// Why a password is refused. The messages are for people and never repeat the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("must be at least {min} characters")]
    TooShort {
        /// Least characters.
        min: usize,
    },
    /// Too long.
    #[error("must be at most {PASSWORD_CHARS_MAX} characters")]
    TooLong,
    /// The username or e-mail address, in whatever case.
    #[error("must not be the username or the e-mail address")]
    IsName,
    /// One of those that are tried first.
    #[error("is one of the most common passwords")]
    Common,
    /// One that the user had. [`PasswordPolicy::check`] cannot tell; whoever knows the hashes can.
    #[error("must be none of the last {remembered}")]
    Used {
        /// How many are remembered.
        remembered: u32,
    },
}

impl PasswordPolicy {
    /// Judges a new password of the user with this username and e-mail address.
    pub fn check(self, password: &str, username: &str, email: &str) -> Result<(), PasswordError> {
        // Counting stops past the longest allowed, however long the text.
        let chars = password.chars().take(PASSWORD_CHARS_MAX + 1).count();
        if chars > PASSWORD_CHARS_MAX {
            return Err(PasswordError::TooLong);
        }
        if chars < self.chars_min {
            return Err(PasswordError::TooShort {
                min: self.chars_min,
            });
        }
        let folded = key(password);
        let local = email.split('@').next().unwrap_or_default();
        if [username, email, local]
            .into_iter()
            .any(|name| folded == key(name))
        {
            return Err(PasswordError::IsName);
        }
        // Ten thousand comparisons are nothing beside the hash that follows.
        if COMMON.lines().any(|common| common == folded) {
            return Err(PasswordError::Common);
        }
        Ok(())
    }
}

/// The 10,000 most common passwords of eight characters and more, folded, one a line; from the
/// frequency list of zxcvbn (crate `zxcvbn` 3.1.1, MIT).
const COMMON: &str = include_str!("password/common.txt");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(password: &str) -> Result<(), PasswordError> {
        PasswordPolicy::default().check(password, "alice.smith", "a.smith@example.com")
    }

    #[test]
    fn judged() {
        assert_eq!(check("correct horse"), Ok(()));
        assert_eq!(check("1234567"), Err(PasswordError::TooShort { min: 8 }));
        assert_eq!(check("åäöåäöåä"), Ok(()), "characters, not bytes");
        assert_eq!(check(&"é".repeat(256)), Ok(()));
        assert_eq!(check(&"é".repeat(257)), Err(PasswordError::TooLong));
        assert_eq!(check("Alice.Smith"), Err(PasswordError::IsName));
        assert_eq!(check("a.smith@EXAMPLE.com"), Err(PasswordError::IsName));
        assert_eq!(check("PassWord1"), Err(PasswordError::Common));
        let strict = PasswordPolicy {
            chars_min: 20,
            ..PasswordPolicy::default()
        };
        assert_eq!(
            strict.check("correct horse", "", ""),
            Err(PasswordError::TooShort { min: 20 })
        );
    }

    #[test]
    fn the_list_is_folded() {
        assert_eq!(COMMON.lines().count(), 10_000);
        for line in COMMON.lines() {
            assert_eq!(line, key(line));
            assert!(line.chars().count() >= PASSWORD_CHARS_MIN, "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(password in ".*", username in ".*", email in ".*") {
            let _ = PasswordPolicy::default().check(&password, &username, &email);
        }
    }
}
