//! E-mail over HTTP, in the shape of `SendGrid`'s `POST /v3/mail/send`.

use bytes::Bytes;
use lettre::message::Mailbox;
use secrecy::ExposeSecret;
use serde_json::json;

use super::message::Letter;
use super::sign::judge;
use super::{Failure, Sending};
use crate::outbound::Post;

const PATH: &str = "/v3/mail/send";

/// Sends it, once.
pub(super) async fn send(sending: &Sending<'_>) -> Result<(), Failure> {
    let Letter::Mail(mail) = sending.letter else {
        return Err(Failure::Lasting("this provider carries e-mail".to_owned()));
    };
    let provider = sending.provider;
    let from: Mailbox = provider
        .from
        .parse()
        .map_err(|_| Failure::Lasting("it is from nobody".to_owned()))?;
    let address = from.email.to_string();
    let sender = match from.name {
        Some(name) => json!({"email": address, "name": name}),
        None => json!({"email": address}),
    };
    let body = json!({
        "personalizations": [{"to": [{"email": mail.to}]}],
        "from": sender,
        "subject": mail.subject,
        "content": [{"type": "text/plain", "value": mail.text}],
    });
    let body = Bytes::from(body.to_string());
    let key = provider.secrets.password.as_ref();
    let key = key.map(ExposeSecret::expose_secret).unwrap_or_default();
    let post = Post {
        url: &provider.endpoint(PATH),
        by: provider.by,
        headers: sending.headers("application/json", &format!("Bearer {key}"), &body)?,
        body,
    };
    judge(&sending.outbound.post(post, sending.within).await?)
}
