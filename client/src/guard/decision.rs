//! What a guard asks and what it hands on to the handler behind it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_proto::authorize::v1::AuthorizeResponse;
use serde_json::Value;

/// What a grant may be limited by: `ledger_id` → `0190…`.
pub type Attributes = BTreeMap<String, String>;

/// What a route needs: an action on a resource of the product, perhaps with attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// For example `accounts`.
    pub resource: String,
    /// For example `get`.
    pub action: String,
    /// What limited grants look at.
    pub attributes: Attributes,
}

impl Need {
    /// This action on this resource.
    pub fn new(resource: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            action: action.into(),
            attributes: Attributes::new(),
        }
    }

    /// And with this attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }
}

/// A yes, for the handler behind the guard: `Extension<Decision>` in axum,
/// `request.extensions().get::<Decision>()` in tonic. There is none when the guard is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who calls.
    pub subject: Subject,
    /// The id of the caller's organization, the tenant.
    pub organization: String,
    /// Names the decision in logs.
    pub id: String,
    /// The revision of the organization that decided.
    pub revision: u64,
    /// What the token is for: Gatepost itself and the client through which it was bought, or what
    /// that asked for (RFC 8707).
    pub audiences: Vec<String>,
    /// How long before the answer it was proven that nothing newer was known: the decision knows
    /// all that was committed before then. None when the server does not say.
    pub age: Option<Duration>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person, by her user id.
    User(String),
    /// A machine, by its application id.
    Application(String),
}

impl Decision {
    /// The decision about the bearer of `token`, who is named in it. Gatepost has just verified
    /// it, so that its claims may be read without another look at the signature.
    pub(super) fn about(token: &str, answer: AuthorizeResponse) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let claim = |name| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = claim("sub")?;
        let subject = match claim("type")?.as_str() {
            "normal-user" => Subject::User(id),
            "application" => Subject::Application(id.rsplit('/').next()?.to_owned()),
            _ => return None,
        };
        Some(Self {
            subject,
            organization: claim("tenantId")?,
            id: answer.decision_id,
            revision: answer.revision,
            audiences: audiences(&claims),
            age: answer
                .freshness
                .map(|freshness| Duration::from_millis(freshness.age_ms.into())),
        })
    }
}

/// One audience, or a list of them (RFC 7519 §4.1.3).
fn audiences(claims: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().filter_map(text).collect(),
        one => one.and_then(text).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use gatepost_proto::authorize::v1::Freshness;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn token(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn about(token: &str) -> Option<Decision> {
        let answer = AuthorizeResponse {
            authorized: true,
            revision: 7,
            decision_id: "d".to_owned(),
            freshness: Some(Freshness {
                age_ms: 12,
                ..Freshness::default()
            }),
            ..AuthorizeResponse::default()
        };
        Decision::about(token, answer)
    }

    #[test]
    fn people_and_machines_are_told_apart() {
        let person = json!({"type": "normal-user", "sub": "u", "owner": "acme", "tenantId": "o",
                            "aud": ["a", "b"]});
        let expected = Decision {
            subject: Subject::User("u".to_owned()),
            organization: "o".to_owned(),
            id: "d".to_owned(),
            revision: 7,
            audiences: vec!["a".to_owned(), "b".to_owned()],
            age: Some(Duration::from_millis(12)),
        };
        assert_eq!(about(&token(&person)), Some(expected.clone()));
        let machine = json!({"type": "application", "sub": "acme/a", "tenantId": "o",
                             "aud": ["a", "b"]});
        let subject = Subject::Application("a".to_owned());
        assert_eq!(
            about(&token(&machine)),
            Some(Decision {
                subject,
                ..expected
            })
        );
    }

    #[test]
    fn a_token_that_names_nobody_is_no_decision() {
        for claims in [
            json!({"type": "normal-user", "tenantId": "o"}),
            json!({"type": "normal-user", "sub": "u"}),
            json!({"type": "robot", "sub": "u", "tenantId": "o"}),
            json!({"type": "normal-user", "sub": 7, "tenantId": "o"}),
            json!("normal-user"),
        ] {
            assert_eq!(about(&token(&claims)), None, "{claims}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_no_decision(token in "\\PC{0,60}") {
            prop_assert_eq!(about(&token), None);
        }
    }
}
