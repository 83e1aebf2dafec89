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
        // Counting stops early: a long string is not walked to its end.
        let most = self.length_max.unwrap_or(usize::MAX);
        let length = value.chars().take(most.saturating_add(1)).count();
        if length > most {
            return Some(format!("must have at most {most} characters"));
        }
        if length < self.length_min {
            return Some(format!("must have at least {} characters", self.length_min));
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::v1 as pb;

    /// Fields and messages of what is wrong with a message.
    fn wrong(message: &impl Validate) -> Vec<(String, String)> {
        let mut violations = Violations::default();
        message.validate(&mut violations);
        let found = violations.as_slice().iter();
        found
            .map(|each| (each.field.clone(), each.message.clone()))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    fn user() -> pb::CreateUserRequest {
        pb::CreateUserRequest {
            username: "ada".into(),
            email: "ada@example.org".into(),
            first_name: "Ada".into(),
            last_name: "Lovelace".into(),
            password: "correct horse".into(),
            groups: vec!["admin-group".into()],
            password_hash: String::new(),
        }
    }

    #[test]
    fn maps_are_looked_at_pair_by_pair() {
        use crate::authorize::v1::{AuthorizeRequest, BatchAuthorizeRequest, Question};
        let with = |pairs: &[(&str, &str)]| AuthorizeRequest {
            resource: "accounts".into(),
            action: "get".into(),
            attributes: pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..AuthorizeRequest::default()
        };
        assert_eq!(wrong(&with(&[("ledger_id", "a")])), []);
        let long = "x".repeat(301);
        for (bad, says) in [
            (with(&[("", "a")]), "has a key that must have at least 1"),
            (with(&[("a", "b\0")]), "has a value that must not contain"),
            (with(&[("a", &long)]), "has a value that must have at most"),
        ] {
            let found = wrong(&bad);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].0 == "attributes" && found[0].1.starts_with(says),
                "{found:?}"
            );
        }
        let mut many = with(&[]);
        many.attributes = (0..33).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(wrong(&many).len(), 1);
        // The questions of a batch are judged one by one, by whoever answers them.
        let batch = BatchAuthorizeRequest {
            questions: vec![Question::default()],
            ..BatchAuthorizeRequest::default()
        };
        assert_eq!(wrong(&batch), []);
        assert_eq!(wrong(&BatchAuthorizeRequest::default()).len(), 1);
    }

    #[test]
    fn a_good_request_breaks_no_rule() {
        assert_eq!(wrong(&user()), []);
        assert!(Violations::default().into_result().is_ok());
    }

    #[test]
    fn lengths_count_characters() {
        let mut request = user();
        request.first_name = "é".repeat(100);
        assert_eq!(wrong(&request), []);
        request.first_name.push('é');
        let expected = [("firstName", "must have at most 100 characters")];
        assert_eq!(wrong(&request), pairs(&expected));
        request.first_name.clear();
        assert_eq!(wrong(&request), pairs(&[("firstName", "is missing")]));
    }

    #[test]
    fn lists_have_limits_and_so_have_their_items() {
        let mut request = user();
        request.groups = vec!["g".into(); 101];
        request.groups[100] = "g".repeat(101);
        let expected = [
            ("groups", "must have at most 100 items"),
            ("groups[100]", "must have at most 100 characters"),
        ];
        assert_eq!(wrong(&request), pairs(&expected));
    }

    #[test]
    fn nested_messages_are_named_by_their_path() {
        let request = pb::CreateOrganizationRequest {
            slug: "a".into(),
            ..Default::default()
        };
        assert_eq!(
            wrong(&request),
            pairs(&[("name", "is missing"), ("owner", "is missing")])
        );
        let request = pb::CreateRoleRequest {
            name: "r".into(),
            product: "midaz".into(),
            permissions: vec![
                pb::RolePermission {
                    resource: "a".into(),
                    action: "b".into(),
                    effect: 1,
                },
                pb::RolePermission {
                    resource: "a".into(),
                    action: String::new(),
                    effect: 9,
                },
            ],
            ..Default::default()
        };
        let expected = [
            ("permissions[1].action", "is missing"),
            ("permissions[1].effect", "has a value that is not declared"),
        ];
        assert_eq!(wrong(&request), pairs(&expected));
    }

    #[test]
    fn numbers_have_bounds() {
        let list = |page, limit| pb::ListUsersRequest {
            page,
            limit,
            ..Default::default()
        };
        assert_eq!(wrong(&list(0, 100)), []);
        let expected = [
            ("page", "must be 0 or more"),
            ("limit", "must be 100 or less"),
        ];
        assert_eq!(wrong(&list(-1, 101)), pairs(&expected));
    }

    #[test]
    fn ids_addresses_and_choices_have_their_form() {
        let id = |id: &str| wrong(&pb::GetUserRequest { id: id.into() }).len();
        assert_eq!(id("0198a9e2-0000-7000-8000-0000000000AB"), 0);
        for bad in [
            "",
            "x",
            "0198a9e2-0000-7000-8000-0000000000A",
            "0198a9e20-000-7000-8000-0000000000AB",
        ] {
            assert_eq!(id(bad), 1, "{bad}");
        }
        let email = |email: &str| {
            wrong(&pb::CreateUserRequest {
                email: email.into(),
                ..user()
            })
            .len()
        };
        for good in ["a@b", "a.b+c@mail.example.org", "ada@bücher.example"] {
            assert_eq!(email(good), 0, "{good}");
        }
        for bad in [
            "", "a", "@b", "a@", "a b@c", "a@b..c", "a@-b", "a@b@c d", "a@b,c@d", "<a@b>",
        ] {
            assert_eq!(email(bad), 1, "{bad}");
        }
        let effect = pb::ManifestPermission {
            resource: "a".into(),
            action: "b".into(),
            effect: "maybe".into(),
            ..pb::ManifestPermission::default()
        };
        let expected = [("effect", "must be one of `allow`, `deny`")];
        assert_eq!(wrong(&effect), pairs(&expected));
    }

    #[test]
    fn no_string_holds_nul() {
        let request = pb::UpdateUserRequest {
            id: "0198a9e2-0000-7000-8000-0000000000ab".into(),
            email: "a\0".into(),
            groups: vec!["\0".into()],
            ..Default::default()
        };
        let words = "must not contain a NUL character";
        assert_eq!(
            wrong(&request),
            pairs(&[("email", words), ("groups[0]", words)])
        );
    }

    #[test]
    fn masks_name_what_can_be_changed() {
        let masked = |paths: &[&str]| {
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            let id = "0198a9e2-0000-7000-8000-0000000000ab".into();
            let update_mask = Some(FieldMask { paths });
            wrong(&pb::UpdateUserRequest {
                id,
                update_mask,
                ..Default::default()
            })
        };
        assert_eq!(masked(&["first_name", "groups"]), []);
        for bad in ["id", "username", "update_mask", "firstName", ""] {
            let expected = [("updateMask", "names a field that cannot be changed")];
            assert_eq!(masked(&[bad]), pairs(&expected), "{bad}");
        }
    }

    #[test]
    fn tells_of_a_bounded_number() {
        let permission = pb::RolePermission::default();
        let permissions = vec![permission; 1000];
        let request = pb::CreateRoleRequest {
            permissions,
            ..Default::default()
        };
        assert_eq!(wrong(&request).len(), VIOLATIONS_MAX);
    }

    #[test]
    fn becomes_a_status() {
        let mut violations = Violations::default();
        pb::CreateUserRequest::default().validate(&mut violations);
        let status = violations
            .into_result()
            .expect_err("an empty user is refused");
        assert_eq!(status.message(), "`username` is missing");
        let info = reason::info(&status).expect("a status of ours");
        assert_eq!(info.reason, "INVALID_REQUEST");
        let told = |key: &str| info.metadata.get(key).map(String::as_str);
        assert_eq!(
            (told("field"), told("at")),
            (Some("username"), Some("missing"))
        );
        let details = tonic_types::StatusExt::get_details_bad_request(&status);
        assert_eq!(details.expect("details").field_violations.len(), 4);
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let id = text.clone();
            wrong(&pb::CreateUserRequest { email: text, ..user() });
            wrong(&pb::GetUserRequest { id });
        }
    }
}
