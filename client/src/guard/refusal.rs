//! What a guard says when it does not let a call pass.

use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::AuthorizeResponse;
use gatepost_proto::reason::status;
use tonic::{Code, Status};

/// How long a caller should wait before she tries again, in seconds.
const RETRY_AFTER_S: &str = "1";

/// Why a call does not pass. It says no more than its caller needs; the log says the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody has proved who calls: 401, `UNAUTHENTICATED`.
    Unauthenticated(Challenge),
    /// It is known who calls, and she may not: 403, `PERMISSION_DENIED`.
    Forbidden {
        /// Names the decision in Gatepost's answers and in the product's log; empty when nothing
        /// was asked, because an RPC is not in the table.
        decision_id: String,
    },
    /// There is no decision, so nothing passes: 503, `UNAVAILABLE`.
    Unavailable,
}

/// What is wrong with the credential, as far as it tells the caller what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// There is none: bring one.
    Missing,
    /// It is no token of this installation, or there are two: it will never do.
    Invalid,
    /// Its time is over: refresh it.
    Expired,
    /// Its session, user, application or organization has ended or rests: sign in again.
    Ended,
}

impl Refusal {
    /// The reason that travels.
    pub fn reason(&self) -> ErrorReason {
        match self {
            Self::Unauthenticated(Challenge::Missing) => ErrorReason::TokenMissing,
            Self::Unauthenticated(Challenge::Invalid) => ErrorReason::TokenInvalid,
            Self::Unauthenticated(Challenge::Expired) => ErrorReason::TokenExpired,
            Self::Unauthenticated(Challenge::Ended) => ErrorReason::SessionEnded,
            Self::Forbidden { .. } => ErrorReason::PermissionMissing,
            Self::Unavailable => ErrorReason::DecisionUnavailable,
        }
    }

    /// One sentence for the caller.
    fn detail(&self) -> &'static str {
        match self {
            Self::Unauthenticated(Challenge::Missing) => "this needs a bearer token",
            Self::Unauthenticated(Challenge::Invalid) => "the credential is not valid",
            Self::Unauthenticated(Challenge::Expired) => "the token has expired",
            Self::Unauthenticated(Challenge::Ended) => "the session of the token has ended",
            Self::Forbidden { .. } => "the caller may not do this",
            Self::Unavailable => "nobody can decide this now; try again",
        }
    }

    /// What a decision that is a no means for the caller. Two words of it speak of her token.
    pub(super) fn of_decision(answer: AuthorizeResponse) -> Self {
        match answer.reason.as_str() {
            "expired" => Self::Unauthenticated(Challenge::Expired),
            "suspended" => Self::Unauthenticated(Challenge::Ended),
            _ => Self::Forbidden {
                decision_id: answer.decision_id,
            },
        }
    }

    /// What an error instead of a decision means for the caller: only a credential that Gatepost
    /// refused, and a question that it never answers, are hers. All else is trouble of ours.
    pub(super) fn of_status(refused: &Status) -> Self {
        let reason = ErrorReason::of(refused);
        if refused.code() == Code::Unauthenticated {
            return Self::Unauthenticated(match reason {
                Some(ErrorReason::TokenMissing) => Challenge::Missing,
                Some(ErrorReason::TokenExpired) => Challenge::Expired,
                None | Some(ErrorReason::TokenInvalid) => Challenge::Invalid,
                Some(_) => Challenge::Ended,
            });
        }
        if reason == Some(ErrorReason::InvalidRequest) {
            let decision_id = String::new();
            return Self::Forbidden { decision_id };
        }
        Self::Unavailable
    }

    /// The answer over HTTP: a problem document (RFC 9457 §3).
    #[cfg(feature = "axum")]
    pub fn response<B: From<String>>(self) -> http::Response<B> {
        use http::HeaderValue;
        use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};

        let reason = self.reason();
        let status = reason.http_status();
        let name = reason.name().to_lowercase().replace('_', "-");
        let mut problem = serde_json::json!({
            "type": format!("urn:gatepost:reason:{name}"),
            "title": reason.title(),
            "status": status.as_u16(),
            "detail": self.detail(),
            "reason": reason.name(),
        });
        if let (Self::Forbidden { decision_id }, Some(fields)) = (&self, problem.as_object_mut())
            && !decision_id.is_empty()
        {
            fields.insert("decisionId".to_owned(), decision_id.as_str().into());
        }
        let mut response = http::Response::new(B::from(problem.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(CONTENT_TYPE, "application/problem+json");
        set(CACHE_CONTROL, "no-store");
        match &self {
            // RFC 6750 §3.1: who sent no credential is told of no error.
            Self::Unauthenticated(Challenge::Missing) => set(WWW_AUTHENTICATE, "Bearer"),
            Self::Unauthenticated(_) => set(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
            Self::Forbidden { .. } => None,
            Self::Unavailable => set(RETRY_AFTER, RETRY_AFTER_S),
        };
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let metadata = match &refusal {
            Refusal::Forbidden { decision_id } if !decision_id.is_empty() => {
                Some(("decision_id", decision_id.as_str()))
            }
            Refusal::Unavailable => Some(("retry_after_seconds", RETRY_AFTER_S)),
            Refusal::Unauthenticated(_) | Refusal::Forbidden { .. } => None,
        };
        status(refusal.reason(), refusal.detail(), metadata.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use gatepost_proto::reason::info;

    use super::*;

    /// What a guard makes of an error with this reason.
    fn of(reason: ErrorReason) -> Refusal {
        Refusal::of_status(&status(reason, "a secret of the inside", &[]))
    }

    #[test]
    fn every_reason_of_gatepost_is_one_of_three_answers() {
        for number in 1..200 {
            let Ok(reason) = ErrorReason::try_from(number) else {
                continue;
            };
            let code = Status::from(of(reason)).code();
            let expected = if reason.grpc_code() == Code::Unauthenticated {
                Code::Unauthenticated
            } else if reason == ErrorReason::InvalidRequest {
                Code::PermissionDenied
            } else {
                Code::Unavailable
            };
            assert_eq!(code, expected, "{}", reason.name());
        }
        for code in (0..=16).map(Code::from) {
            let refusal = Refusal::of_status(&Status::new(code, "of a proxy"));
            let expected = if code == Code::Unauthenticated {
                Refusal::Unauthenticated(Challenge::Invalid)
            } else {
                Refusal::Unavailable
            };
            assert_eq!(refusal, expected, "{code:?}");
        }
    }

    #[test]
    fn who_is_not_authenticated_learns_what_to_do_and_no_more() {
        let cases = [
            (ErrorReason::TokenExpired, Challenge::Expired),
            (ErrorReason::TokenInvalid, Challenge::Invalid),
            (ErrorReason::SessionEnded, Challenge::Ended),
            (ErrorReason::UserSuspended, Challenge::Ended),
            (ErrorReason::OrganizationGone, Challenge::Ended),
            (ErrorReason::CredentialRevoked, Challenge::Ended),
        ];
        for (reason, challenge) in cases {
            assert_eq!(of(reason), Refusal::Unauthenticated(challenge));
        }
        assert_eq!(
            of(ErrorReason::UserSuspended).reason(),
            ErrorReason::SessionEnded
        );
    }

    #[test]
    fn a_no_that_speaks_of_the_token_is_not_authenticated() {
        let no = |reason: &str| {
            Refusal::of_decision(AuthorizeResponse {
                reason: reason.to_owned(),
                decision_id: "7".to_owned(),
                ..AuthorizeResponse::default()
            })
        };
        assert_eq!(no("expired"), Refusal::Unauthenticated(Challenge::Expired));
        assert_eq!(no("suspended"), Refusal::Unauthenticated(Challenge::Ended));
        for other in ["", "denied", "permission", "unknown_product", "of tomorrow"] {
            let decision_id = "7".to_owned();
            assert_eq!(no(other), Refusal::Forbidden { decision_id });
        }
    }

    #[test]
    fn over_grpc_the_reason_is_in_the_error_info() {
        let decision_id = "7".to_owned();
        let forbidden = Status::from(Refusal::Forbidden { decision_id });
        assert_eq!(forbidden.code(), Code::PermissionDenied);
        let told = info(&forbidden).unwrap();
        assert_eq!(told.reason, "PERMISSION_MISSING");
        assert_eq!(told.metadata["decision_id"], "7");
        let unavailable = Status::from(Refusal::Unavailable);
        assert_eq!(unavailable.code(), Code::Unavailable);
        assert_eq!(
            info(&unavailable).unwrap().metadata["retry_after_seconds"],
            "1"
        );
    }

    #[cfg(feature = "axum")]
    #[test]
    fn over_http_it_is_a_problem_with_the_headers_of_its_status() {
        let header = |refusal: Refusal, name: &str| {
            let response = refusal.response::<String>();
            let value = response.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let missing = Refusal::Unauthenticated(Challenge::Missing);
        assert_eq!(header(missing, "www-authenticate").unwrap(), "Bearer");
        let expired = Refusal::Unauthenticated(Challenge::Expired);
        assert_eq!(
            header(expired, "www-authenticate").unwrap(),
            "Bearer error=\"invalid_token\""
        );
        assert_eq!(header(Refusal::Unavailable, "retry-after").unwrap(), "1");
        assert_eq!(header(Refusal::Unavailable, "www-authenticate"), None);
        let response = Refusal::Unavailable.response::<String>();
        assert_eq!(response.status(), 503);
        let problem: serde_json::Value = serde_json::from_str(response.body()).unwrap();
        let expected = serde_json::json!({
            "type": "urn:gatepost:reason:decision-unavailable",
            "title": "No decision",
            "status": 503,
            "detail": "nobody can decide this now; try again",
            "reason": "DECISION_UNAVAILABLE",
        });
        assert_eq!(problem, expected);
        assert!(response.extensions().get::<Refusal>().is_some());
    }
}
