//! From bytes of JSON to a message, with refusals that a caller understands and that say nothing
//! of our insides.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use tonic::Status;

use crate::ErrorReason;
use crate::reason::status;

/// Characters of a path with a caller's own field name that are repeated to it at most.
const PATH_LENGTH_MAX: usize = 128;

/// Reads a message from a JSON object; nothing at all counts as `{}`.
pub(crate) fn object<M: DeserializeOwned>(json: &[u8]) -> Result<M, Status> {
    let json = if json.trim_ascii().is_empty() {
        b"{}"
    } else {
        json
    };
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(malformed("the body must be a JSON object"));
    }
    // The second pass, which keeps the path, is for the rare case only.
    serde_json::from_slice(json).map_err(|_| refusal::<M>(json))
}

/// The top-level keys of a JSON object that [`object`] has accepted.
pub(crate) fn keys(json: &[u8]) -> Vec<String> {
    struct KeyVisitor;
    impl<'de> Visitor<'de> for KeyVisitor {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer.deserialize_map(KeyVisitor).unwrap_or_default()
}

/// Why a JSON text is not this message. Keeps line and column, drops serde's own words: they name
/// Rust types and may repeat a secret.
fn refusal<M: DeserializeOwned>(json: &[u8]) -> Status {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let Err(failure) = serde_path_to_error::deserialize::<_, M>(&mut deserializer) else {
        return malformed("the body has text after its JSON object");
    };
    let path = failure.path().to_string();
    let error = failure.into_inner();
    let place = format!("line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    if error.classify() != Category::Data {
        let deep = text.starts_with("recursion limit");
        let problem = if deep {
            "is nested too deeply"
        } else {
            "is not JSON"
        };
        return malformed(&format!("the body {problem} ({place})"));
    }
    let outer = if path == "." { "" } else { path.as_str() };
    if text.starts_with("unknown field") {
        // The path ends with the key itself, which the caller made up.
        let field: String = outer.chars().take(PATH_LENGTH_MAX).collect();
        let detail = format!("unknown field `{field}` ({place})");
        return invalid(&detail, &[("field", &field), ("at", "unknown")]);
    }
    let twice = text.strip_prefix("duplicate field `");
    if let Some(name) = twice.and_then(|rest| rest.split('`').next()) {
        let field = if outer.is_empty() {
            name.to_owned()
        } else {
            format!("{outer}.{name}")
        };
        let detail = format!("`{field}` is given twice ({place})");
        return invalid(&detail, &[("field", &field)]);
    }
    let detail = format!("`{outer}` has a value of the wrong type ({place})");
    invalid(&detail, &[("field", outer)])
}

fn malformed(detail: &str) -> Status {
    status(ErrorReason::MalformedBody, detail, &[])
}

fn invalid(detail: &str, metadata: &[(&str, &str)]) -> Status {
    status(ErrorReason::InvalidRequest, detail, metadata)
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::{keys, object};
    use crate::ErrorReason;
    use crate::identity::v1::{AuditEvent, CreateOrganizationRequest};
    use crate::reason::info;

    /// The refusal of a text: its reason, its `field`, its `at`, and its words.
    fn refused(json: &str) -> (ErrorReason, String, String, String) {
        let status: Status = object::<CreateOrganizationRequest>(json.as_bytes())
            .expect_err("this was to be refused");
        let mut info = info(&status).expect("a status of ours");
        let mut take = |key| info.metadata.remove(key).unwrap_or_default();
        let (field, at) = (take("field"), take("at"));
        let reason = ErrorReason::of(&status).expect("a reason");
        (reason, field, at, status.message().to_owned())
    }

    #[test]
    fn nothing_is_an_empty_object() {
        for empty in ["", "  \n", "{}", " {} "] {
            let message = object::<CreateOrganizationRequest>(empty.as_bytes());
            assert_eq!(
                message.expect("a message"),
                CreateOrganizationRequest::default()
            );
        }
    }

    #[test]
    fn null_is_the_default() {
        let json = r#"{"slug": null, "name": null, "owner": null}"#;
        let message = object::<CreateOrganizationRequest>(json.as_bytes());
        assert_eq!(
            message.expect("a message"),
            CreateOrganizationRequest::default()
        );
    }

    #[test]
    fn tells_what_is_no_json() {
        for bad in [
            r#"{"slug""#,
            "{a}",
            "[]",
            "null",
            "7",
            r#""{}""#,
            "{} {}",
            "\u{feff}{}",
        ] {
            let (reason, _, _, words) = refused(bad);
            assert_eq!(reason, ErrorReason::MalformedBody, "{words}");
        }
        assert_eq!(
            refused("{\n \"slug\": x}").3,
            "the body is not JSON (line 2, column 10)"
        );
    }

    #[test]
    fn gives_up_on_deep_nesting() {
        let deep = format!(r#"{{"slug":{}"#, "[".repeat(10_000));
        assert_eq!(refused(&deep).0, ErrorReason::InvalidRequest);
        // Free JSON may nest, but not without end.
        let deep = format!(r#"{{"before":{}"#, r#"{"a":"#.repeat(10_000));
        let status = object::<AuditEvent>(deep.as_bytes()).expect_err("this is too deep");
        assert!(
            status
                .message()
                .starts_with("the body is nested too deeply"),
            "{status}"
        );
        assert_eq!(ErrorReason::of(&status), Some(ErrorReason::MalformedBody));
    }

    #[test]
    fn names_the_field_at_fault() {
        let (reason, field, at, words) = refused(r#"{"owner": {"nick": 1}}"#);
        assert_eq!(reason, ErrorReason::InvalidRequest);
        assert_eq!((field.as_str(), at.as_str()), ("owner.nick", "unknown"));
        assert!(
            words.starts_with("unknown field `owner.nick` (line 1,"),
            "{words}"
        );

        let (reason, field, at, words) = refused(r#"{"owner": {"password": 12345}}"#);
        assert_eq!(reason, ErrorReason::InvalidRequest);
        assert_eq!((field.as_str(), at.as_str()), ("owner.password", ""));
        assert!(
            !words.contains("12345") && !words.contains("String"),
            "{words}"
        );

        let (_, field, _, words) = refused(r#"{"slug": "a", "slug": "b"}"#);
        assert_eq!(field, "slug");
        assert!(words.starts_with("`slug` is given twice"), "{words}");

        let (_, field, _, _) = refused(r#"{"owner": {"email": "a", "email": "b"}}"#);
        assert_eq!(field, "owner.email");

        let (_, field, _, words) = refused(r#"{"owner": 7}"#);
        assert_eq!(field, "owner");
        assert!(!words.contains("gatepost"), "{words}");
    }

    #[test]
    fn cuts_the_names_that_callers_make_up() {
        let (_, field, _, _) = refused(&format!(r#"{{"{}": 1}}"#, "x".repeat(1000)));
        assert_eq!(field.len(), super::PATH_LENGTH_MAX);
    }

    #[test]
    fn knows_the_top_level_keys() {
        assert_eq!(keys(br#"{"a": {"b": [1]}, "c": null}"#), ["a", "c"]);
    }
}
