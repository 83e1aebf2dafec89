//! What comes back: answers over REST, and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_proto::ErrorReason;
use reqwest::StatusCode;
use serde_json::Value;

/// An answer over REST.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body; null when it is empty or no JSON.
    pub body: Value,
}

impl Answer {
    /// The reason of a refusal.
    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }

    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The revision that the answer is based on.
    #[track_caller]
    pub fn revision(&self) -> u64 {
        self.header("gatepost-revision")
            .parse()
            .expect("an answer with a revision")
    }

    /// Checks the status; answers the body.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        &self.body
    }

    /// Checks that the call was refused for this reason.
    #[track_caller]
    pub fn refuses(&self, reason: ErrorReason) {
        assert_eq!(
            self.reason(),
            reason.name(),
            "{} {}",
            self.status,
            self.body
        );
        assert_eq!(self.status, reason.http_status(), "{}", self.body);
        let text = |field: &str| self.body[field].as_str().unwrap_or_default().to_owned();
        for field in [
            "type",
            "title",
            "detail",
            "instance",
            "code",
            "message",
            "requestId",
        ] {
            assert!(
                !text(field).is_empty(),
                "`{field}` is missing: {}",
                self.body
            );
        }
        assert_eq!(self.body["status"], self.status.as_u16());
        assert_eq!(text("requestId"), self.header("x-request-id"));
        assert_eq!(self.header("content-type"), "application/problem+json");
    }
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header of a token.
pub fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part of a token");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The names of an object's fields, in alphabetical order.
#[track_caller]
pub fn fields(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
