//! Update masks: which fields a change names.

use gatepost_proto::mask::FieldMask;

use crate::error::{Error, Result};

/// Which fields a change names. Over REST the keys of the body are the mask; a gRPC caller who
/// gives none means the fields that are not empty.
pub struct Mask {
    paths: Option<Vec<String>>,
}

impl Mask {
    /// Reads a mask over the fields that may change.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a path that may not change.
    pub fn read(mask: Option<FieldMask>, may_change: &[&str]) -> Result<Self> {
        let paths = mask.map(|mask| mask.paths);
        let unknown = paths
            .iter()
            .flatten()
            .find(|path| !may_change.contains(&path.as_str()));
        match unknown {
            Some(path) => Err(Error::invalid(
                "updateMask",
                format!("`{path}` cannot be changed"),
            )),
            None => Ok(Self { paths }),
        }
    }

    /// Whether the change names this field, whose value is or is not empty.
    pub fn names(&self, field: &str, is_empty: bool) -> bool {
        match &self.paths {
            Some(paths) => paths.iter().any(|path| path == field),
            None => !is_empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_names_what_it_lists_and_no_mask_what_is_there() {
        let paths = vec!["groups".to_owned()];
        let mask = Mask::read(Some(FieldMask { paths }), &["groups", "email"]).unwrap();
        assert!(mask.names("groups", true));
        assert!(!mask.names("email", false));
        let none = Mask::read(None, &["groups"]).unwrap();
        assert!(none.names("groups", false) && !none.names("groups", true));
        let paths = vec!["username".to_owned()];
        assert!(Mask::read(Some(FieldMask { paths }), &["groups"]).is_err());
    }
}
