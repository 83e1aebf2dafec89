//! What may be allowed or denied.

use std::fmt;
use std::str::FromStr;

use crate::name::{self, NameError};

/// An action on a resource of a product, written `product/resource:action`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// The product's slug.
    pub product: String,
    /// The resource; `*` for all, on the policy side only.
    pub resource: String,
    /// The action; `*` for all, on the policy side only.
    pub action: String,
}

/// A text that is no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePermissionError {
    /// A `/` or `:` is missing.
    #[error("a permission is written `product/resource:action`")]
    Shape,
    /// A part is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Permission {
    /// Puts a permission together from names that were checked before.
    pub fn new(product: &str, resource: &str, action: &str) -> Self {
        let (product, resource, action) = (product.into(), resource.into(), action.into());
        Self {
            product,
            resource,
            action,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}/{}:{}",
            self.product, self.resource, self.action
        )
    }
}

impl FromStr for Permission {
    type Err = ParsePermissionError;

    fn from_str(text: &str) -> Result<Self, ParsePermissionError> {
        let (product, rest) = text.split_once('/').ok_or(ParsePermissionError::Shape)?;
        let (resource, action) = rest.split_once(':').ok_or(ParsePermissionError::Shape)?;
        name::check_part(product)?;
        name::check_pattern(resource)?;
        name::check_pattern(action)?;
        Ok(Self::new(product, resource, action))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_and_writes() {
        let permission: Permission = "gatepost/users:get".parse().unwrap();
        assert_eq!(permission, Permission::new("gatepost", "users", "get"));
        assert_eq!(permission.to_string(), "gatepost/users:get");
        assert!("gatepost/users:*".parse::<Permission>().is_ok());
        for bad in [
            "", "/", ":", "a/b", "a:b", "/b:c", "a/:c", "a/b:", "*/b:c", "a/b:c:d", "a/b/c:d",
        ] {
            assert!(bad.parse::<Permission>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            if let Ok(permission) = text.parse::<Permission>() {
                prop_assert_eq!(permission.to_string(), text);
            }
        }
    }
}
