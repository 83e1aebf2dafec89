//! What pages are under: the headers that a browser enforces for us.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use time::Duration;

/// Where a page may lead, beside back to us.
#[derive(Debug, Default)]
pub struct Leads {
    /// The place that its form may end at: browsers hold it against every redirect after it, too.
    pub form: Option<String>,
    /// Whether it has a script of ours.
    pub script: bool,
}

impl Leads {
    /// A page whose form may end there.
    pub fn to(source: Option<String>) -> Self {
        Self {
            form: source,
            script: false,
        }
    }

    /// The same, with a script.
    #[must_use]
    pub fn with_script(self, script: bool) -> Self {
        Self { script, ..self }
    }

    /// Nothing is allowed but what is named, and nothing inline: what somebody smuggles into a page
    /// does nothing there. No page may be framed, so that nobody is made to press its buttons.
    fn policy(&self) -> String {
        let form = self.form.as_deref().unwrap_or_default();
        let script = if self.script {
            "script-src 'self'; "
        } else {
            ""
        };
        format!(
            "default-src 'none'; style-src 'self'; {script}form-action 'self' {form}; \
             base-uri 'none'; frame-ancestors 'none'"
        )
    }
}

/// A page.
pub fn html(status: StatusCode, page: &impl Template, leads: &Leads) -> Response {
    let Ok(text) = page.render() else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = plain(status);
    *response.body_mut() = Body::from(text);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, kind);
    let policy = HeaderValue::try_from(leads.policy());
    let strictest = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(strictest));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// Sends a browser on, with `GET` whatever it did before: a password is never sent twice
/// (RFC 9700 §4.12).
pub fn see_other(location: &str) -> Response {
    let mut response = plain(StatusCode::SEE_OTHER);
    match HeaderValue::try_from(location) {
        Ok(location) => response.headers_mut().insert(LOCATION, location),
        Err(_) => return plain(StatusCode::BAD_REQUEST),
    };
    response
}

/// Gives the browser a cookie that outlives its window.
pub fn set_lasting_cookie(
    response: &mut Response,
    name: &str,
    value: &str,
    is_secure: bool,
    lasting: Duration,
) {
    let secure = if is_secure { "; Secure" } else { "" };
    let seconds = lasting.whole_seconds();
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={seconds}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Gives the browser a cookie for as long as it is open, or takes it away when the value is empty.
pub fn set_cookie(response: &mut Response, name: &str, value: &str, is_secure: bool) {
    let secure = if is_secure { "; Secure" } else { "" };
    let gone = if value.is_empty() { "; Max-Age=0" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{gone}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Nothing, which nobody keeps, and which no other site learns the address of.
fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_allows_what_it_names() {
        let strict = Leads::default().policy();
        assert!(strict.contains("form-action 'self' ;") && !strict.contains("script"));
        let leads = Leads {
            form: Some("https://app.test".to_owned()),
            script: true,
        };
        let policy = leads.policy();
        assert!(
            policy.contains("form-action 'self' https://app.test;"),
            "{policy}"
        );
        assert!(policy.contains("script-src 'self';"), "{policy}");
    }

    #[test]
    fn a_header_cannot_be_smuggled_into_a_redirect() {
        let response = see_other("/x\r\nset-cookie: a=b");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.headers().get(LOCATION).is_none());
    }
}
