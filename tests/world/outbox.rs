//! What a server sends to people, caught on this machine by APIs of other shapes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::World;

/// The messages that were sent, the last one last.
#[derive(Clone, Default)]
pub struct Outbox {
    messages: Arc<Mutex<Vec<Sent>>>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The address or number.
    pub to: String,
    /// What it says.
    pub text: String,
}

impl Outbox {
    /// A world that sends its messages here.
    pub async fn with_world() -> (World, Self) {
        Self::with_world_of(&[]).await
    }

    /// As [`Outbox::with_world`], with these settings over the test's own.
    pub async fn with_world_of(more: &[(&str, &str)]) -> (World, Self) {
        let outbox = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(outbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (mail, sms) = (format!("http://{address}"), format!("http://AC1@{address}"));
        let settings = [
            ("GATEPOST_MAIL_URL", mail.as_str()),
            ("GATEPOST_MAIL_FROM", "Gatepost <no-reply@example.com>"),
            ("GATEPOST_MAIL_SECRET", "key"),
            ("GATEPOST_SMS_URL", sms.as_str()),
            ("GATEPOST_SMS_FROM", "+15550001111"),
            ("GATEPOST_SMS_SECRET", "token"),
        ];
        let settings = [&settings[..], more].concat();
        (World::start_with(&settings).await, outbox)
    }

    /// How many were sent.
    pub fn count(&self) -> usize {
        self.messages.lock().unwrap().len()
    }

    /// The last one.
    pub fn last(&self) -> Sent {
        let messages = self.messages.lock().unwrap();
        messages.last().expect("a message").clone()
    }

    /// The code that the last one begins with.
    pub fn code(&self) -> String {
        let text = self.last().text;
        let code: String = text.chars().take_while(char::is_ascii_digit).collect();
        assert_eq!(code.len(), 6, "{text}");
        code
    }
}

async fn take(State(outbox): State<Outbox>, uri: Uri, body: Bytes) -> StatusCode {
    let sent = if uri.path().ends_with("Messages.json") {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(&body).into_owned().collect();
        let field = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.unwrap().1.clone()
        };
        Sent {
            to: field("To"),
            text: field("Body"),
        }
    } else {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let text = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        Sent {
            to: text("/personalizations/0/to/0/email"),
            text: text("/content/0/value"),
        }
    };
    outbox.messages.lock().unwrap().push(sent);
    StatusCode::ACCEPTED
}

impl World {
    /// The token of a link that `username` was mailed for a new password.
    pub async fn reset_token_in(&self, outbox: &Outbox, username: &str) -> String {
        let before = outbox.count();
        let path = "/v1/login/forgot-password";
        let asked = self.post_openly(path, json!({"username": username})).await;
        asked.is(204);
        for _ in 0..400 {
            if outbox.count() > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let text = outbox.last().text;
        let (_, token) = text.split_once("?token=").expect("a link");
        token.split_whitespace().next().unwrap().to_owned()
    }
}
