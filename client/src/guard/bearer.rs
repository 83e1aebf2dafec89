//! The caller's token, out of the one place where it may be.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::refusal::{Challenge, Refusal};

/// A longer token would not fit into the headers that Gatepost reads.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The bearer token of a request (RFC 6750 §2.1). Never from a cookie, which a foreign page can
/// have sent, nor from the query, which ends up in logs.
///
/// Two headers are one too many: which of them counts must not depend on who reads first.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values
        .next()
        .ok_or(Refusal::Unauthenticated(Challenge::Missing))?;
    let token = value.to_str().ok().and_then(credential);
    match (token, values.next()) {
        (Some(token), None) => Ok(token),
        _ => Err(Refusal::Unauthenticated(Challenge::Invalid)),
    }
}

/// What follows the scheme, whose case does not matter (RFC 9110 §11.1).
fn credential(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let fits = scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX;
    (fits && is_b64token(token)).then_some(token)
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`. No comma gets through, with
/// which some proxy may have made one header out of two.
fn is_b64token(token: &str) -> bool {
    let token = token.trim_end_matches('=');
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !token.is_empty() && token.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const MISSING: Refusal = Refusal::Unauthenticated(Challenge::Missing);
    const INVALID: Refusal = Refusal::Unauthenticated(Challenge::Invalid);

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[track_caller]
    fn reads(value: &str, expected: &str) {
        let headers = headers(&[value.as_bytes()]);
        assert_eq!(bearer(&headers), Ok(expected), "{value}");
    }

    #[track_caller]
    fn refuses(value: &str) {
        let headers = headers(&[value.as_bytes()]);
        assert_eq!(bearer(&headers), Err(INVALID), "{value}");
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case_and_nothing_else() {
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            reads(&format!("{scheme} a.b-c_~+/=="), "a.b-c_~+/==");
        }
        reads("Bearer   a", "a");
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer =",
            "a.b.c",
            "Basic eA==",
            "Bearera b",
            "Bearer\ta",
            "Bearer a b",
            "Bearer a, Bearer b",
            "Bearer a,b",
            "Bearer a=b",
            "Bearer \"a\"",
            " Bearer a",
        ] {
            refuses(wrong);
        }
    }

    #[test]
    fn there_is_exactly_one() {
        assert_eq!(bearer(&HeaderMap::new()), Err(MISSING));
        assert_eq!(bearer(&headers(&[b"Bearer a", b"Bearer a"])), Err(INVALID));
        assert_eq!(bearer(&headers(&[b"Bearer a", b"Basic b"])), Err(INVALID));
        assert_eq!(bearer(&headers(&[b"Bearer \xff"])), Err(INVALID));
        let mut elsewhere = HeaderMap::new();
        elsewhere.insert("cookie", HeaderValue::from_static("authorization=Bearer a"));
        elsewhere.insert("proxy-authorization", HeaderValue::from_static("Bearer a"));
        assert_eq!(bearer(&elsewhere), Err(MISSING));
    }

    #[test]
    fn a_token_has_a_largest_size() {
        let token = "a".repeat(TOKEN_BYTES_MAX);
        reads(&format!("Bearer {token}"), &token);
        refuses(&format!("Bearer {token}a"));
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read_or_refused(values in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..60), 0..3,
        )) {
            let mut headers = HeaderMap::new();
            for value in values {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(AUTHORIZATION, value);
                }
            }
            let count = headers.get_all(AUTHORIZATION).iter().count();
            match bearer(&headers) {
                Ok(token) => prop_assert!(count == 1 && is_b64token(token)),
                Err(MISSING) => prop_assert_eq!(count, 0),
                Err(refusal) => prop_assert_eq!(refusal, INVALID),
            }
        }

        #[test]
        fn a_token_comes_out_as_it_went_in(
            token in "[A-Za-z0-9._~+/-]{1,80}={0,2}",
            scheme in "[bB][eE][aA][rR][eE][rR]",
            blanks in " {1,3}",
        ) {
            reads(&format!("{scheme}{blanks}{token}"), &token);
        }

        #[test]
        fn no_second_word_gets_through(
            token in "[a-z]{1,9}",
            mark in "[ ,;\"]",
            more in "[a-z]{1,9}",
        ) {
            refuses(&format!("Bearer {token}{mark}{more}"));
        }
    }
}
