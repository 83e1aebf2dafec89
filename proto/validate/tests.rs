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
