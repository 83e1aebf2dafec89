//! Answers that anybody may keep: a tag of what they say, and nothing again for whoever has it.

use aws_lc_rs::digest;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::hexadecimal::hexadecimal;

/// As much of the hash as tells one answer from another.
const TAG_BYTES: usize = 16;

/// Tags an answer that may be kept; when `asked` names its tag, the answer is only that it has not
/// changed (RFC 9110 §13.1.2, §15.4.5).
pub(super) fn tagged(mut response: Response, body: &Bytes, asked: &[HeaderValue]) -> Response {
    if !may_be_kept(response.headers()) {
        return response;
    }
    let Ok(tag) = HeaderValue::try_from(tag(body)) else {
        return response;
    };
    if names(asked, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response.headers_mut().insert(ETAG, tag);
    response
}

fn may_be_kept(headers: &HeaderMap) -> bool {
    let value = headers.get(CACHE_CONTROL);
    value.is_some_and(|value| value.as_bytes().starts_with(b"public"))
}

fn tag(body: &Bytes) -> String {
    let hash = digest::digest(&digest::SHA256, body);
    let part = hash.as_ref().get(..TAG_BYTES).unwrap_or_default();
    format!("\"{}\"", hexadecimal(part))
}

/// Whether the tag is among those of `If-None-Match`; our tags have no comma.
fn names(asked: &[HeaderValue], tag: &HeaderValue) -> bool {
    let lines = asked.iter().filter_map(|value| value.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|each| each == "*" || each.strip_prefix("W/").unwrap_or(each).as_bytes() == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = "public, max-age=300";

    fn answer(cache: &'static str, asked: &[&'static str]) -> Response {
        let body = Bytes::from_static(b"{}");
        let mut response = Response::new(Body::from(body.clone()));
        let cache = HeaderValue::from_static(cache);
        response.headers_mut().insert(CACHE_CONTROL, cache);
        let asked: Vec<HeaderValue> = asked
            .iter()
            .copied()
            .map(HeaderValue::from_static)
            .collect();
        tagged(response, &body, &asked)
    }

    #[test]
    fn who_has_it_gets_nothing_again() {
        // SHA-256 of `{}`.
        const TAG: &str = "\"44136fa355b3678a1146ad16f7e8649e\"";
        let first = answer(KEPT, &[]);
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[ETAG], TAG);
        let has_it: [&[&'static str]; 5] = [
            &[TAG],
            &["W/\"44136fa355b3678a1146ad16f7e8649e\""],
            &["\"other\", \"44136fa355b3678a1146ad16f7e8649e\""],
            &["\"other\"", TAG],
            &["*"],
        ];
        for asked in has_it {
            let answer = answer(KEPT, asked);
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{asked:?}");
            assert_eq!(answer.headers()[ETAG], TAG);
            assert_eq!(answer.headers()[CACHE_CONTROL], KEPT);
        }
        let has_another: [&[&'static str]; 3] =
            [&["\"other\""], &["44136fa355b3678a1146ad16f7e8649e"], &[""]];
        for asked in has_another {
            assert_eq!(answer(KEPT, asked).status(), StatusCode::OK, "{asked:?}");
        }
    }

    #[test]
    fn what_may_not_be_kept_has_no_tag() {
        let answer = answer("no-store", &["*"]);
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(!answer.headers().contains_key(ETAG));
    }
}
