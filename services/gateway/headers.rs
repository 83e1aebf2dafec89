//! What of an HTTP request's headers becomes gRPC metadata, and back.

use http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;

const OURS: &str = "gatepost-";
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const OUR_IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("gatepost-idempotency-key");

/// The metadata of a REST call: `authorization`, `traceparent`, `gatepost-*` and the idempotency
/// key. Everything else stays behind.
pub(super) fn to_metadata(headers: &HeaderMap, path: &str) -> MetadataMap {
    let mut kept = HeaderMap::new();
    let takes_bare_tokens = path.starts_with("/v1/");
    // All of them: two credentials must be seen as two.
    for value in headers.get_all(AUTHORIZATION) {
        let bare = takes_bare_tokens.then(|| bearer(value)).flatten();
        kept.append(AUTHORIZATION, bare.unwrap_or_else(|| value.clone()));
    }
    if let Some(value) = headers.get(TRACEPARENT) {
        kept.insert(TRACEPARENT, value.clone());
    }
    // `-bin` would promise base64, which nobody has checked.
    let ours = |name: &HeaderName| name.as_str().starts_with(OURS) && !is_binary(name);
    for (name, value) in headers.iter().filter(|(name, _)| ours(name)) {
        kept.append(name.clone(), value.clone());
    }
    if let Some(value) = headers.get(IDEMPOTENCY_KEY) {
        kept.insert(OUR_IDEMPOTENCY_KEY, value.clone());
    }
    MetadataMap::from_headers(kept)
}

/// The value with a scheme, when it is a bare token as old clients send it.
fn bearer(value: &HeaderValue) -> Option<HeaderValue> {
    let token = value
        .to_str()
        .ok()
        .filter(|text| !text.is_empty() && !text.contains(' '))?;
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Copies to an answer what the service wants to be seen in its headers.
pub(super) fn from_metadata(metadata: MetadataMap, headers: &mut HeaderMap) {
    for (name, value) in &metadata.into_headers() {
        let ours = name.as_str().starts_with(OURS) && !is_binary(name);
        if ours || *name == CACHE_CONTROL || *name == RETRY_AFTER {
            headers.insert(name.clone(), value.clone());
        }
    }
}

fn is_binary(name: &HeaderName) -> bool {
    name.as_str().ends_with("-bin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(path: &str, sent: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let kept = to_metadata(&headers, path).into_headers();
        let pairs = kept.iter().map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort();
        pairs
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn lets_few_headers_through() {
        let sent = [
            ("traceparent", "00-1-2-01"),
            ("tracestate", "x"),
            ("gatepost-min-revision", "7"),
            ("gatepost-x-bin", "!"),
            ("idempotency-key", "k"),
            ("cookie", "c"),
            ("x-tenant", "t"),
            ("grpc-timeout", "1S"),
        ];
        let expected = [
            ("gatepost-idempotency-key", "k"),
            ("gatepost-min-revision", "7"),
            ("traceparent", "00-1-2-01"),
        ];
        assert_eq!(metadata("/v1/users", &sent), pairs(&expected));
    }

    #[test]
    fn gives_bare_tokens_their_scheme_where_old_clients_call() {
        let bare = [("authorization", "a.b.c")];
        let full = [("authorization", "Bearer a.b.c")];
        assert_eq!(metadata("/v1/users", &bare), pairs(&full));
        assert_eq!(metadata("/v1/users", &full), pairs(&full));
        assert_eq!(metadata("/oauth2/token", &bare), pairs(&bare));
        let basic = [("authorization", "Basic eA==")];
        assert_eq!(metadata("/v1/users", &basic), pairs(&basic));
        let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        assert_eq!(metadata("/v1/users", &two), pairs(&two));
    }
}
