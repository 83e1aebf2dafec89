//! The ids of everything that has one: UUIDs, each kind a type of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hash::{Key, hash_of};

/// The version of one organization: raised by one with every write in it, 0 before the first.
pub type Revision = u64;

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id")]
pub struct ParseIdError(String);

/// Makes an id type around a UUID.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that this UUID is.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID that this id is.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl Key for $name {
            fn hash(&self) -> u64 {
                hash_of(&self.0.as_u128())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// The tenant: the isolation boundary.
    OrganizationId
    /// A person's account in one organization.
    UserId
    /// A named set of users and groups.
    GroupId
    /// A named set of permissions of one product.
    RoleId
    /// A machine client of one organization.
    ApplicationId
    /// One secret of an application; the session of its tokens.
    CredentialId
    /// One signed-in device of a user.
    SessionId
}

/// Reads the hyphenated form only: an id has one spelling, so that it can be compared as text.
fn parse(text: &str) -> Result<Uuid, ParseIdError> {
    // The error repeats its input, which may be long.
    let error = || ParseIdError(text.chars().take(64).collect());
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return Err(error());
    }
    Uuid::try_parse(text).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        let id: UserId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert_eq!(
            serde_json::from_str::<UserId>(&format!("\"{text}\"")).unwrap(),
            id
        );
        assert_eq!(format!("{id:?}"), format!("UserId({text})"));
        for bad in [
            "",
            "1",
            "01890a5dac96774bbcceb302099a8057",
            "x1890a5d-ac96-774b-bcce-b302099a8057",
        ] {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }
}
