//! Short messages over HTTP, in the shape of Twilio's `POST …/Messages.json`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::message::Letter;
use super::sign::judge;
use super::{Failure, Sending};
use crate::outbound::Post;

/// Sends it, once.
pub(super) async fn send(sending: &Sending<'_>) -> Result<(), Failure> {
    let Letter::Sms(sms) = sending.letter else {
        return Err(Failure::Lasting(
            "this provider carries short messages".to_owned(),
        ));
    };
    let provider = sending.provider;
    let form: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("To", &sms.to)
        .append_pair("From", &provider.from)
        .append_pair("Body", &sms.text)
        .finish();
    let body = Bytes::from(form);
    let account = &provider.user;
    let token = provider.secrets.password.as_ref();
    let token = token.map(ExposeSecret::expose_secret).unwrap_or_default();
    let authorization = format!("Basic {}", STANDARD.encode(format!("{account}:{token}")));
    let post = Post {
        url: &provider.endpoint(&format!("/2010-04-01/Accounts/{account}/Messages.json")),
        by: provider.by,
        headers: sending.headers("application/x-www-form-urlencoded", &authorization, &body)?,
        body,
    };
    judge(&sending.outbound.post(post, sending.within).await?)
}
