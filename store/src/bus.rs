//! Hints that an organization has a new revision. A hint carries no data, it only says *look*;
//! a lost one costs time, never a wrong answer.

use std::time::Duration;

use fred::clients::{Client, SubscriberClient};
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::{Builder, Message};
use gatepost_core::OrganizationId;
use gatepost_core::feed::Hint;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::cache::{connect, reconnect_policy};
use crate::error::Result;

/// The channel of all replicas.
const CHANNEL: &str = "gatepost:hint";

/// Hints that may wait for a slow reader; one that lags behind is told to look everywhere.
const HINTS_MAX: usize = 1_024;

/// Hints between replicas, or within this process.
#[derive(Debug)]
pub enum Bus {
    /// Within this process.
    Memory(broadcast::Sender<Hint>),
    /// Through a Valkey that all replicas share.
    Valkey(ValkeyBus),
}

/// Two connections to Valkey, which come back by themselves, and what they hear.
#[derive(Debug)]
pub struct ValkeyBus {
    publisher: Client,
    _subscriber: SubscriberClient,
    heard: broadcast::Sender<Hint>,
}

/// Hints from the moment of subscribing on.
#[derive(Debug)]
pub struct HintStream {
    receiver: broadcast::Receiver<Hint>,
}

impl HintStream {
    /// Waits for the next hint. `None` when the bus is gone.
    pub async fn next(&mut self) -> Option<Hint> {
        match self.receiver.recv().await {
            Ok(hint) => Some(hint),
            Err(RecvError::Lagged(_)) => Some(Hint::Everything),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Bus {
    /// A bus within this process.
    pub fn memory() -> Self {
        Self::Memory(broadcast::channel(HINTS_MAX).0)
    }

    /// A bus through Valkey. Connects by itself, now or later: that it is down is no error here.
    /// `Setting` when the address cannot be read. Must be called within a tokio runtime.
    pub fn connect(url: &str) -> Result<Self> {
        let publisher: Client = connect(url, |config| {
            Builder::from_config(config)
                .with_performance_config(|performance| {
                    performance.default_command_timeout = Duration::from_secs(1);
                })
                .with_connection_config(|connection| {
                    connection.max_command_attempts = 1;
                    connection.connection_timeout = Duration::from_secs(2);
                    connection.max_command_buffer_len = HINTS_MAX;
                })
                .set_policy(reconnect_policy())
                .build()
        })?;
        let subscriber: SubscriberClient = connect(url, |config| {
            Builder::from_config(config)
                .with_connection_config(|connection| {
                    connection.connection_timeout = Duration::from_secs(2);
                    connection.unresponsive.max_timeout = Some(Duration::from_secs(10));
                })
                .set_policy(reconnect_policy())
                .build_subscriber_client()
        })?;
        let heard = broadcast::channel(HINTS_MAX).0;
        drop(publisher.connect());
        listen(&subscriber, &heard);
        Ok(Self::Valkey(ValkeyBus {
            publisher,
            _subscriber: subscriber,
            heard,
        }))
    }

    /// Tells everybody, this process too, that an organization has a new revision. Never waits
    /// and never fails: a hint that is lost is found by polling.
    pub fn hint(&self, organization: OrganizationId) {
        match self {
            Self::Memory(sender) => {
                // No subscriber is no error.
                let _ = sender.send(Hint::Organization(organization));
            }
            Self::Valkey(bus) => {
                // This process need not wait for the way there and back.
                let _ = bus.heard.send(Hint::Organization(organization));
                let publisher = bus.publisher.clone();
                tokio::spawn(async move {
                    let sent: std::result::Result<(), _> =
                        publisher.publish(CHANNEL, organization.to_string()).await;
                    if let Err(error) = sent {
                        tracing::debug!(%error, "a hint was lost");
                    }
                });
            }
        }
    }

    /// Hints from now on.
    pub fn subscribe(&self) -> HintStream {
        let receiver = match self {
            Self::Memory(sender) => sender.subscribe(),
            Self::Valkey(bus) => bus.heard.subscribe(),
        };
        HintStream { receiver }
    }
}

/// Connects the subscriber, and hands on what it hears for as long as it lives.
fn listen(subscriber: &SubscriberClient, heard: &broadcast::Sender<Hint>) {
    let hints = heard.clone();
    drop(subscriber.on_message(move |message: Message| {
        // Whatever else is said on the channel, looking everywhere answers it.
        let hint = message
            .value
            .as_str()
            .and_then(|text| text.parse().ok())
            .map_or(Hint::Everything, Hint::Organization);
        let _ = hints.send(hint);
        std::future::ready(Ok(()))
    }));
    let hints = heard.clone();
    drop(subscriber.on_reconnect(move |_| {
        // Nobody knows what was said while it was away.
        let _ = hints.send(Hint::Everything);
        std::future::ready(Ok(()))
    }));
    drop(subscriber.manage_subscriptions());
    drop(subscriber.connect());
    let subscriber = subscriber.clone();
    let hints = heard.clone();
    tokio::spawn(async move {
        if subscriber.wait_for_connect().await.is_err() {
            return;
        }
        if let Err(error) = subscriber.subscribe(CHANNEL).await {
            tracing::warn!(%error, "no hints from other replicas: polling finds their changes");
        }
        let _ = hints.send(Hint::Everything);
    });
}
