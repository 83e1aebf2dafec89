//! Reads the body of a REST call: JSON, a form, or nothing, and never more than the limit.

use bytes::Bytes;
use gatepost_proto::ErrorReason;
use gatepost_proto::reason::status;
use gatepost_proto::rest::Body;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Status;

use super::percent;

/// Reads and sorts a body.
///
/// # Errors
/// `BODY_TOO_LARGE`, `MEDIA_TYPE_UNSUPPORTED` or `MALFORMED_BODY`.
pub async fn read(
    headers: &HeaderMap,
    body: axum::body::Body,
    bytes_max: usize,
) -> Result<Body, Status> {
    // Refused before it is read, when it says itself that it is too large.
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let announced: Option<u64> = announced.and_then(|value| value.parse().ok());
    if announced.is_some_and(|length| usize::try_from(length).is_ok_and(|l| l > bytes_max)) {
        return Err(too_large(bytes_max));
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => sort(headers, collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        Err(_) => Err(malformed("the body could not be read to its end")),
    }
}

/// Tells what a body is by its media type.
///
/// # Errors
/// `MEDIA_TYPE_UNSUPPORTED` or `MALFORMED_BODY`.
pub fn sort(headers: &HeaderMap, bytes: Bytes) -> Result<Body, Status> {
    if bytes.is_empty() {
        return Ok(Body::Empty);
    }
    let kind = media_type(headers).ok_or_else(|| {
        let detail = "send `application/json` or `application/x-www-form-urlencoded`, in UTF-8";
        status(ErrorReason::MediaTypeUnsupported, detail, &[])
    })?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(malformed("the body is not UTF-8"));
    };
    match kind {
        MediaType::Json => Ok(Body::Json(bytes)),
        MediaType::Form => match percent::pairs(text) {
            Ok(pairs) => Ok(Body::Form(pairs)),
            Err(percent::BadEscape) => Err(malformed("the form holds a bad escape")),
        },
    }
}

enum MediaType {
    Json,
    Form,
}

/// The media type, when we read it. None given counts as JSON.
fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Some(MediaType::Json);
    };
    let value = value.to_str().ok()?.to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next()?;
    let charset = parts.find_map(|parameter| parameter.strip_prefix("charset="));
    if charset.is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8")) {
        return None;
    }
    let is_json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    match essence {
        _ if is_json => Some(MediaType::Json),
        "application/x-www-form-urlencoded" => Some(MediaType::Form),
        _ => None,
    }
}

fn too_large(bytes_max: usize) -> Status {
    let detail = format!("the body is larger than {bytes_max} bytes");
    status(ErrorReason::BodyTooLarge, detail, &[])
}

fn malformed(detail: &str) -> Status {
    status(ErrorReason::MalformedBody, detail, &[])
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn sorted(content_type: &'static str, body: &'static [u8]) -> Result<Body, ErrorReason> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let reason = |status| ErrorReason::of(&status).unwrap_or_default();
        sort(&headers, Bytes::from_static(body)).map_err(reason)
    }

    #[test]
    fn sorts_by_media_type() {
        for json in [
            "application/json",
            "Application/JSON; Charset=\"UTF-8\"",
            "application/a+json",
        ] {
            assert!(matches!(sorted(json, b"{}"), Ok(Body::Json(_))), "{json}");
        }
        let form = sorted("application/x-www-form-urlencoded", b"id_token_hint=a%2Bb");
        let Ok(Body::Form(pairs)) = form else {
            unreachable!("a form is no form")
        };
        assert_eq!(pairs, [("id_token_hint".to_owned(), "a+b".to_owned())]);
        assert!(matches!(
            sort(&HeaderMap::new(), Bytes::from_static(b"{}")),
            Ok(Body::Json(_))
        ));
        assert!(matches!(sorted("text/html", b""), Ok(Body::Empty)));
    }

    #[test]
    fn refuses_the_rest() {
        for other in [
            "text/plain",
            "application/json; charset=utf-16",
            "multipart/form-data",
            "",
        ] {
            let reason = sorted(other, b"{}").err();
            assert_eq!(reason, Some(ErrorReason::MediaTypeUnsupported), "{other}");
        }
        assert_eq!(
            sorted("application/json", b"\"\xff\"").err(),
            Some(ErrorReason::MalformedBody)
        );
        let form = sorted("application/x-www-form-urlencoded", b"a=%f");
        assert_eq!(form.err(), Some(ErrorReason::MalformedBody));
    }
}
