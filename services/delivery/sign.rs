//! What every request to an API carries: one name for all tries of a message, and a signature by
//! which the other end knows that it is ours and fresh.

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::{Failure, Sending};
use crate::hexadecimal::hexadecimal;
use crate::outbound::Answer;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const SIGNATURE: HeaderName = HeaderName::from_static("gatepost-signature");

impl Sending<'_> {
    /// The headers of a body.
    pub(super) fn headers(
        &self,
        content_type: &'static str,
        authorization: &str,
        body: &[u8],
    ) -> Result<HeaderMap, Failure> {
        let value = |text: &str| {
            let value = HeaderValue::try_from(text);
            value.map_err(|_| Failure::Lasting("a secret that fits no header".to_owned()))
        };
        let mut authorization = value(authorization)?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static(content_type),
        );
        headers.insert(http::header::AUTHORIZATION, authorization);
        headers.insert(IDEMPOTENCY_KEY, value(&self.id.to_string())?);
        if let Some(secret) = &self.provider.secrets.signing {
            headers.insert(SIGNATURE, value(&signature(secret, self.now_s, body))?);
        }
        Ok(headers)
    }
}

/// `t=TIME,v1=HMAC`: HMAC-SHA256 in hexadecimal over the time in Unix seconds, a dot and the body.
pub fn signature(secret: &SecretString, now_s: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(now_s.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    format!("t={now_s},v1={}", hexadecimal(context.sign().as_ref()))
}

/// What an answer of an API means.
pub fn judge(answer: &Answer) -> Result<(), Failure> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    // What it says may repeat the message, so only its status is told.
    let why = format!("the provider answered {status}");
    if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
        let retry_after_s = answer.retry_after_s;
        return Err(Failure::Passing { why, retry_after_s });
    }
    Err(Failure::Lasting(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the digest that `openssl dgst -sha256 -hmac secret` gives for `1700000000.{"a":1}`.
    #[test]
    fn a_signature_is_the_one_that_others_make() {
        let secret = SecretString::from("secret");
        let signed = signature(&secret, 1_700_000_000, br#"{"a":1}"#);
        assert_eq!(
            signed,
            "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
        );
        assert_ne!(signed, signature(&secret, 1_700_000_001, br#"{"a":1}"#));
    }
}
