//! Tries, what they carry, and when they end.

use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use gatepost_store::StoreConfig;
use http::{HeaderMap, StatusCode, Uri};
use secrecy::SecretString;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::*;
use crate::outbound::{ChosenBy, OutboundConfig};
use crate::seal::new_master_key;

/// What one call told the sink.
#[derive(Clone)]
struct Call {
    path: String,
    headers: HeaderMap,
    body: String,
}

impl Call {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// An API on this machine that answers with these statuses, one after the other, and then 202.
#[derive(Clone, Default)]
struct Sink {
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<Vec<u16>>>,
    pause: Duration,
}

impl Sink {
    fn calls(&self) -> Vec<Call> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.clone()
    }

    async fn start(answers: &[u16]) -> (Self, String) {
        Self::start_slow(answers, Duration::ZERO).await
    }

    async fn start_slow(answers: &[u16], pause: Duration) -> (Self, String) {
        let sink = Self {
            answers: Arc::new(Mutex::new(answers.iter().rev().copied().collect())),
            pause,
            ..Self::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(sink.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (sink, address.to_string())
    }
}

async fn take(
    State(sink): State<Sink>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (HeaderMap, StatusCode) {
    let call = Call {
        path: uri.path().to_owned(),
        headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    sink.calls.lock().unwrap().push(call);
    sleep(sink.pause).await;
    let status = sink.answers.lock().unwrap().pop().unwrap_or(202);
    let mut headers = HeaderMap::new();
    if status == 307 {
        headers.insert("location", "/elsewhere".parse().unwrap());
    }
    (headers, StatusCode::from_u16(status).unwrap())
}

fn secrets() -> Secrets {
    Secrets {
        password: Some(SecretString::from("key")),
        signing: Some(SecretString::from("secret")),
    }
}

fn provider(channel: Channel, address: &str) -> Provider {
    let (url, from) = match channel {
        Channel::Mail => (
            format!("http://{address}"),
            "Gatepost <no-reply@example.com>",
        ),
        Channel::Sms => (format!("http://AC1@{address}/base/"), "+15550001111"),
    };
    Provider::new(channel, &url, from, secrets(), ChosenBy::Operator).unwrap()
}

fn letter(channel: Channel) -> Letter {
    let message = match channel {
        Channel::Mail => Message::Mail {
            to: "ann@example.com".to_owned(),
            subject: "Olá".to_owned(),
            text: "Your code is 123456.".to_owned(),
        },
        Channel::Sms => Message::Sms {
            to: "+5511987654321".to_owned(),
            text: "Your code is 123456 & more.".to_owned(),
        },
    };
    Letter::new(message).unwrap()
}

async fn delivery(data: &TempDir, attempt_ms: u64, whole_ms: u64) -> Delivery {
    let store = Store::open(StoreConfig::new(data.path())).await.unwrap();
    let config = DeliveryConfig {
        mail: None,
        sms: None,
        attempt: Duration::from_millis(attempt_ms),
        whole: Duration::from_millis(whole_ms),
    };
    let sealer = Arc::new(Sealer::new(&new_master_key().unwrap()).unwrap());
    let outbound = Arc::new(Outbound::new(&OutboundConfig::default()).unwrap());
    Delivery::new(&config, &outbound, &store, &sealer, &Clock::System)
}

#[tokio::test]
async fn a_mail_is_sent_as_sendgrid_takes_it() {
    let (data, (sink, address)) = (TempDir::new().unwrap(), Sink::start(&[]).await);
    let delivery = delivery(&data, 2000, 5000).await;
    let provider = provider(Channel::Mail, &address);
    let sent = delivery.try_often(&provider, &letter(Channel::Mail)).await;
    sent.unwrap();
    let calls = sink.calls();
    let [call] = calls.as_slice() else {
        panic!("{} calls", calls.len())
    };
    assert_eq!(call.path, "/v3/mail/send");
    assert_eq!(call.header("authorization"), "Bearer key");
    assert_eq!(call.header("content-type"), "application/json");
    let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    let expected = serde_json::json!({
        "personalizations": [{"to": [{"email": "ann@example.com"}]}],
        "from": {"email": "no-reply@example.com", "name": "Gatepost"},
        "subject": "Olá",
        "content": [{"type": "text/plain", "value": "Your code is 123456."}],
    });
    assert_eq!(body, expected);
    let signature = call.header("gatepost-signature");
    let time = signature
        .strip_prefix("t=")
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let secret = SecretString::from("secret");
    let expected = sign::signature(&secret, time.parse().unwrap(), call.body.as_bytes());
    assert_eq!(signature, expected);
}

#[tokio::test]
async fn a_short_message_is_sent_as_twilio_takes_it() {
    let (data, (sink, address)) = (TempDir::new().unwrap(), Sink::start(&[201]).await);
    let delivery = delivery(&data, 2000, 5000).await;
    let provider = provider(Channel::Sms, &address);
    let sent = delivery.try_often(&provider, &letter(Channel::Sms)).await;
    sent.unwrap();
    let call = sink.calls().remove(0);
    assert_eq!(call.path, "/base/2010-04-01/Accounts/AC1/Messages.json");
    // `AC1:key`
    assert_eq!(call.header("authorization"), "Basic QUMxOmtleQ==");
    let body = "To=%2B5511987654321&From=%2B15550001111&Body=Your+code+is+123456+%26+more.";
    assert_eq!(call.body, body);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_as_the_same_message() {
    let (data, (sink, address)) = (TempDir::new().unwrap(), Sink::start(&[503, 429]).await);
    let delivery = delivery(&data, 2000, 5000).await;
    let provider = provider(Channel::Mail, &address);
    let sent = delivery.try_often(&provider, &letter(Channel::Mail)).await;
    sent.unwrap();
    let calls = sink.calls();
    assert_eq!(calls.len(), 3);
    let key = calls[0].header("idempotency-key");
    assert!(key.parse::<Uuid>().is_ok());
    assert!(
        calls
            .iter()
            .all(|call| call.header("idempotency-key") == key)
    );
    let again = delivery.try_often(&provider, &letter(Channel::Mail)).await;
    again.unwrap();
    assert_ne!(sink.calls()[3].header("idempotency-key"), key);
}

#[tokio::test]
async fn what_will_not_pass_is_tried_once() {
    let data = TempDir::new().unwrap();
    let delivery = delivery(&data, 2000, 5000).await;
    for status in [400, 401, 403, 404, 413, 307] {
        let (sink, address) = Sink::start(&[status]).await;
        let provider = provider(Channel::Mail, &address);
        let failed = delivery.try_often(&provider, &letter(Channel::Mail)).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.reason(), ErrorReason::DeliveryFailed, "{status}");
        assert_eq!(sink.calls().len(), 1, "{status}");
        assert!(!failed.to_string().contains("123456"), "{failed}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_or_slow_is_given_up_in_time() {
    let data = TempDir::new().unwrap();
    let begun = Instant::now();
    let down = delivery(&data, 200, 1500).await;
    let nobody = provider(Channel::Mail, "127.0.0.1:1");
    let failed = down.try_often(&nobody, &letter(Channel::Mail)).await;
    assert_eq!(failed.unwrap_err().reason(), ErrorReason::DeliveryFailed);
    let (sink, address) = Sink::start_slow(&[], Duration::from_secs(20)).await;
    let slow = provider(Channel::Mail, &address);
    let failed = down.try_often(&slow, &letter(Channel::Mail)).await;
    assert_eq!(failed.unwrap_err().reason(), ErrorReason::DeliveryFailed);
    assert!(sink.calls().len() >= 2, "{}", sink.calls().len());
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_full_room_refuses_instead_of_waiting() {
    let data = TempDir::new().unwrap();
    let delivery = delivery(&data, 200, 1500).await;
    let (open, gate) = tokio::sync::watch::channel(false);
    for _ in 0..WAITING_MAX {
        let mut gate = gate.clone();
        let wait = async move { gate.wait_for(|open| *open).await.map(drop) };
        let _task = delivery.later(wait).unwrap();
    }
    let refused = delivery.later(async {}).unwrap_err();
    assert_eq!(refused.reason(), ErrorReason::Overloaded);
    open.send_replace(true);
    delivery.idle().await;
    delivery.later(async {}).unwrap().await.unwrap();
}

#[tokio::test]
async fn without_a_provider_that_is_said() {
    let data = TempDir::new().unwrap();
    let delivery = delivery(&data, 200, 1500).await;
    for channel in [Channel::Mail, Channel::Sms] {
        let missing = delivery.ours(channel).unwrap_err();
        assert_eq!(missing.reason(), ErrorReason::ProviderMissing);
    }
}

#[test]
fn secrets_of_a_provider_open_for_its_organization_only() {
    let sealer = Sealer::new(&new_master_key().unwrap()).unwrap();
    let [acme, globex] = [1, 2].map(|number| OrganizationId::new(Uuid::from_u128(number)));
    let given = provider(Channel::Sms, "127.0.0.1:9");
    let (settings, sealed_secrets) = given.seal(&sealer, acme).unwrap();
    assert!(
        !settings.contains("key") && !settings.contains("secret"),
        "{settings}"
    );
    let stored = gatepost_store::MessageProvider {
        id: Uuid::from_u128(3),
        channel: Channel::Sms,
        name: "texts".to_owned(),
        settings,
        sealed_secrets,
        is_default: true,
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    let opened = Provider::open(&sealer, acme, &stored).unwrap();
    assert_eq!((&opened.url, &opened.user), (&given.url, &given.user));
    assert_eq!(opened.by, ChosenBy::Organization);
    assert!(Provider::open(&sealer, globex, &stored).is_err());
    let shown = format!("{opened:?}");
    assert!(
        !shown.contains("secret\"") && !shown.contains("\"key"),
        "{shown}"
    );
}

#[test]
fn a_provider_that_cannot_work_is_refused() {
    let none = Secrets::default;
    let new = |channel, url: &str, from: &str, secrets| {
        Provider::new(channel, url, from, secrets, ChosenBy::Operator)
    };
    let from = "a@example.com";
    let good = [
        ("smtp://127.0.0.1:25", none()),
        ("smtps://user%40example.com@mail.example.com", secrets()),
        ("https://api.sendgrid.com", secrets()),
    ];
    for (url, secrets) in good {
        assert!(new(Channel::Mail, url, from, secrets).is_ok(), "{url}");
    }
    let bad = [
        ("https://api.sendgrid.com", from, none()),
        ("smtps://user@mail.example.com", from, none()),
        ("smtps://user:password@mail.example.com", from, secrets()),
        ("smtps://mail.example.com/path", from, secrets()),
        ("ftp://mail.example.com", from, secrets()),
        ("mail.example.com", from, secrets()),
        ("https://api.sendgrid.com", "nobody", secrets()),
        (
            "https://api.sendgrid.com",
            "a@example.com\r\nBcc: b@example.com",
            secrets(),
        ),
    ];
    for (url, from, secrets) in bad {
        assert!(
            new(Channel::Mail, url, from, secrets).is_err(),
            "{url} {from}"
        );
    }
    assert!(new(Channel::Sms, "https://api.twilio.com", "+1555", secrets()).is_err());
    assert!(
        new(
            Channel::Sms,
            "https://AC1@api.twilio.com",
            "<+1555>",
            secrets()
        )
        .is_err()
    );
}
