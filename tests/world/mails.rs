//! A provider of e-mail on this machine: it takes what the server sends, as `SendGrid` would.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use super::World;

/// How long a mail may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A mail that was sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

impl Mail {
    /// The link in it.
    pub fn link(&self) -> &str {
        let lines = self.text.lines();
        let mut links = lines.filter(|line| line.starts_with("http"));
        links
            .next()
            .unwrap_or_else(|| panic!("no link in {}", self.text))
    }

    /// The token of the link in it.
    pub fn token(&self) -> String {
        let (_, token) = self.link().split_once("?token=").expect("a token");
        token.to_owned()
    }
}

/// The provider. It is gone with the test's runtime.
pub struct Mails {
    /// Where it is.
    pub url: String,
    sent: watch::Sender<Vec<Mail>>,
}

impl Mails {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = watch::Sender::new(Vec::new());
        let router = Router::new().route("/v3/mail/send", post(take));
        let router = router.with_state(sent.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, sent }
    }

    /// How many were sent so far.
    pub fn count(&self) -> usize {
        self.sent.borrow().len()
    }

    /// The one after so many, when it comes.
    pub async fn next(&self, count: usize) -> Mail {
        let mut sent = self.sent.subscribe();
        let come = sent.wait_for(|sent| sent.len() > count);
        let come = timeout(PATIENCE, come).await.expect("a mail in time");
        come.unwrap()[count].clone()
    }
}

async fn take(State(sent): State<watch::Sender<Vec<Mail>>>, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let mail = Mail {
        to: text("/personalizations/0/to/0/email"),
        subject: text("/subject"),
        text: text("/content/0/value"),
    };
    sent.send_modify(|sent| sent.push(mail));
    StatusCode::ACCEPTED
}

impl World {
    /// The mails that were sent.
    pub fn mails(&self) -> &Mails {
        &self.backend.mails
    }

    /// The token of a link that `username` was mailed for a new password.
    pub async fn reset_token(&self, username: &str) -> String {
        let before = self.mails().count();
        let path = "/v1/login/forgot-password";
        let asked = self.post_openly(path, json!({"username": username})).await;
        assert!(asked.is(204).is_null());
        let mail = self.mails().next(before).await;
        mail.token()
    }
}
