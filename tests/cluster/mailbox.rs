//! Where replicas send messages, as `SendGrid` would take them.
#![cfg(test)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::replicas::PATIENCE;

/// The texts of the messages, the last one last. It is gone with the test's runtime.
#[derive(Clone, Default)]
pub struct Mailbox {
    texts: Arc<Mutex<Vec<String>>>,
    url: String,
}

impl Mailbox {
    /// Opens it on a free port.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailbox = Self {
            texts: Arc::default(),
            url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let router = Router::new().fallback(take).with_state(mailbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        mailbox
    }

    /// The settings of a replica that sends its messages here.
    pub fn settings(&self) -> [(&str, &str); 5] {
        [
            ("GATEPOST_MAIL_URL", &self.url),
            ("GATEPOST_MAIL_FROM", "no-reply@gatepost.test"),
            ("GATEPOST_MAIL_SECRET", "key"),
            ("GATEPOST_FORGOT_PASSWORD", "true"),
            ("GATEPOST_FORGOTTEN_PER_QUARTER_HOUR", "1000000"),
        ]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.texts.lock().unwrap().len()
    }

    /// The one after so many, when it comes.
    pub async fn next(&self, count: usize) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(text) = self.texts.lock().unwrap().get(count) {
                return text.clone();
            }
            assert!(Instant::now() < deadline, "no message came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn take(State(mailbox): State<Mailbox>, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = body.pointer("/content/0/value").unwrap().as_str().unwrap();
    mailbox.texts.lock().unwrap().push(text.to_owned());
    StatusCode::ACCEPTED
}
