//! Messages to people, by e-mail and as short messages.
//!
//! Who carries one: the provider that its application is linked to, else its organization's
//! default, else the installation's. What is sent waits in a bounded room in memory; a message that
//! still waits when the program is killed is lost, and its person asks for another one.

mod mail_api;
mod message;
mod provider;
mod sign;
mod sms_api;
mod smtp;

use std::sync::Arc;
use std::time::Duration;

use futures::Future;
use gatepost_core::{ApplicationId, OrganizationId};
use gatepost_proto::ErrorReason;
use gatepost_store::{Channel, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::clock::{Clock, new_id};
use crate::config::DeliveryConfig;
use crate::error::{Error, Result};
use crate::outbound::{Outbound, OutboundError};
use crate::seal::Sealer;
use message::Letter;
pub use message::Message;
pub use provider::{Provider, Secrets};

/// Messages that wait or are being sent.
const WAITING_MAX: u32 = 1024;
/// Messages that are being sent at the same time.
const WORKERS: usize = 16;
/// How often one is tried.
const TRIES_MAX: u32 = 4;
/// The pause before the second try; each one after is four times as long.
const PAUSE: Duration = Duration::from_millis(200);

/// The way to people. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    outbound: Arc<Outbound>,
    config: DeliveryConfig,
    store: Store,
    sealer: Arc<Sealer>,
    clock: Clock,
    waiting: Arc<Semaphore>,
    workers: Semaphore,
}

/// How one try ended.
#[derive(Debug)]
enum Failure {
    /// Another try may succeed, after so many seconds if the provider said so.
    Passing {
        why: String,
        retry_after_s: Option<u64>,
    },
    /// No other try will.
    Lasting(String),
}

impl From<OutboundError> for Failure {
    fn from(error: OutboundError) -> Self {
        let why = error.to_string();
        match error {
            OutboundError::Forbidden(_) => Self::Lasting(why),
            OutboundError::Unreachable(_) | OutboundError::Unreadable(_) => Self::Passing {
                why,
                retry_after_s: None,
            },
        }
    }
}

/// What every try of one message has in common.
struct Sending<'a> {
    outbound: &'a Outbound,
    provider: &'a Provider,
    letter: &'a Letter,
    /// Names the message to its provider, so that two tries are one message.
    id: Uuid,
    /// The time of this try, in Unix seconds.
    now_s: i64,
    /// The time that this try may take.
    within: Duration,
}

impl Delivery {
    /// The way to people by these providers, and those that are stored.
    pub fn new(
        config: &DeliveryConfig,
        outbound: &Arc<Outbound>,
        store: &Store,
        sealer: &Arc<Sealer>,
        clock: &Clock,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                outbound: Arc::clone(outbound),
                config: config.clone(),
                store: store.clone(),
                sealer: Arc::clone(sealer),
                clock: clock.clone(),
                waiting: Arc::new(Semaphore::new(WAITING_MAX as usize)),
                workers: Semaphore::new(WORKERS),
            }),
        }
    }

    /// Sends a message, and waits until its provider has taken it.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for an address that is none, `PROVIDER_MISSING`, `OVERLOADED`, and
    /// `DELIVERY_FAILED` when the last try failed.
    pub async fn send(
        &self,
        organization: OrganizationId,
        application: Option<ApplicationId>,
        message: Message,
    ) -> Result<()> {
        let letter = Letter::new(message)?;
        let way = self.clone();
        let work = async move { way.deliver(organization, application, &letter).await };
        self.later(work)?.await.map_err(Error::internal)?
    }

    /// Sends a message, and does not wait. Whether it arrived only the log knows.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for an address that is none, and `OVERLOADED`.
    pub fn enqueue(
        &self,
        organization: OrganizationId,
        application: Option<ApplicationId>,
        message: Message,
    ) -> Result<()> {
        let letter = Letter::new(message)?;
        let way = self.clone();
        let work = async move {
            // Told where it failed.
            let _ = way.deliver(organization, application, &letter).await;
        };
        self.later(work).map(drop)
    }

    /// Does something that ends in a message, when its turn comes. The caller is answered before,
    /// so that the time of the answer tells nothing of whether there is anything to send.
    ///
    /// # Errors
    /// `OVERLOADED` when too much waits already.
    pub fn later<F>(&self, work: F) -> Result<JoinHandle<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let place = self.place()?;
        let way = self.clone();
        Ok(tokio::spawn(async move {
            let _place = place;
            // Closed never.
            let _turn = way.inner.workers.acquire().await;
            work.await
        }))
    }

    /// As [`Delivery::send`], for whoever has a turn already.
    ///
    /// # Errors
    /// As [`Delivery::send`], but for `OVERLOADED`.
    pub async fn send_in_turn(
        &self,
        organization: OrganizationId,
        application: Option<ApplicationId>,
        message: Message,
    ) -> Result<()> {
        let letter = Letter::new(message)?;
        self.deliver(organization, application, &letter).await
    }

    /// Waits until nothing waits to be sent any more.
    pub async fn idle(&self) {
        // Closed never, and every place is given back.
        let _all = self.inner.waiting.acquire_many(WAITING_MAX).await;
    }

    fn place(&self) -> Result<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.inner.waiting).try_acquire_owned();
        place.map_err(|_| {
            let message = "too many messages wait to be sent; try again";
            Error::new(ErrorReason::Overloaded, message).with("retry_after_seconds", "1")
        })
    }

    async fn deliver(
        &self,
        organization: OrganizationId,
        application: Option<ApplicationId>,
        letter: &Letter,
    ) -> Result<()> {
        let provider = self.provider(organization, application, letter.channel());
        let done = match provider.await {
            Ok(provider) => self.try_often(&provider, letter).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &done {
            let channel = letter.channel().name();
            tracing::warn!(%organization, channel, %error, "a message was not sent");
        }
        done
    }

    /// Who carries it.
    async fn provider(
        &self,
        organization: OrganizationId,
        application: Option<ApplicationId>,
        channel: Channel,
    ) -> Result<Provider> {
        let Inner { store, sealer, .. } = &*self.inner;
        let tx = store.read(organization).await?;
        let stored = tx.message_providers().carrier(channel, application).await?;
        if let Some(stored) = stored {
            return Provider::open(sealer, organization, &stored);
        }
        self.ours(channel)
    }

    /// Who carries what nobody else is named for.
    fn ours(&self, channel: Channel) -> Result<Provider> {
        let ours = match channel {
            Channel::Mail => &self.inner.config.mail,
            Channel::Sms => &self.inner.config.sms,
        };
        ours.clone().ok_or_else(|| {
            let message = format!("nobody carries messages by {} here", channel.name());
            Error::new(ErrorReason::ProviderMissing, message)
        })
    }

    /// Tries until it is sent, or no other try makes sense, or the time is over.
    async fn try_often(&self, provider: &Provider, letter: &Letter) -> Result<()> {
        let Inner {
            outbound,
            config,
            clock,
            ..
        } = &*self.inner;
        let id = new_id(clock.now());
        let (ends, mut pause) = (Instant::now() + config.whole, PAUSE);
        let mut tries = 0;
        loop {
            tries += 1;
            let within = config.attempt.min(ends - Instant::now());
            let sending = Sending {
                outbound,
                provider,
                letter,
                id,
                now_s: clock.now().unix_timestamp(),
                within,
            };
            let tried = timeout(within, sending.once()).await;
            let failure = match tried.unwrap_or_else(|_| Err(took_too_long())) {
                Ok(()) => {
                    count(provider, "sent");
                    return Ok(());
                }
                Err(failure) => failure,
            };
            let (why, wait) = match failure {
                Failure::Lasting(why) => return Err(failed(provider, why)),
                Failure::Passing { why, retry_after_s } => {
                    let asked = retry_after_s.map(Duration::from_secs);
                    (why, asked.unwrap_or(pause).max(pause))
                }
            };
            if tries == TRIES_MAX || Instant::now() + wait >= ends {
                return Err(failed(provider, why));
            }
            count(provider, "retried");
            tracing::debug!(kind = provider.kind.name(), why, "a message is tried again");
            sleep(wait).await;
            pause *= 4;
        }
    }
}

impl Sending<'_> {
    async fn once(&self) -> Result<(), Failure> {
        match self.provider.kind {
            provider::Kind::Smtp => smtp::send(self).await,
            provider::Kind::MailApi => mail_api::send(self).await,
            provider::Kind::SmsApi => sms_api::send(self).await,
        }
    }
}

fn took_too_long() -> Failure {
    Failure::Passing {
        why: "it took too long".to_owned(),
        retry_after_s: None,
    }
}

fn failed(provider: &Provider, why: String) -> Error {
    count(provider, "failed");
    Error::new(
        ErrorReason::DeliveryFailed,
        "the message could not be handed to its provider",
    )
    .because(why)
}

fn count(provider: &Provider, outcome: &'static str) {
    let kind = provider.kind.name();
    metrics::counter!("gatepost_messages_total", "kind" => kind, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests;
