//! A server that is nearer to the database as the source of what a replica knows.

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::{Stream, StreamExt, stream};
use gatepost_core::feed::{Facts, Head, Heads, Hint, Steps};
use gatepost_core::{Fact, OrganizationId, Revision};
use gatepost_proto::ErrorReason;
use gatepost_proto::auth::v1::IssueTokenRequest;
use gatepost_proto::auth::v1::auth_service_client::AuthServiceClient;
use gatepost_proto::authorize::v1 as pb;
use gatepost_proto::authorize::v1::replica_service_client::ReplicaServiceClient;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::source::{FactParts, Hints, Source};

/// How long a connection may take to come up.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long a short call may take.
const CALL_MAX: Duration = Duration::from_secs(5);
/// A connection is asked whether it lives this often, and is given up when it does not say so.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// The upstream server says that there is no news every ten seconds; who hears nothing for longer
/// listens anew.
const SILENCE_MAX: Duration = Duration::from_secs(25);
/// Rest before listening anew.
const LISTEN_REST: Duration = Duration::from_millis(250);
/// Rest after a token was refused.
const TOKEN_REST: Duration = Duration::from_secs(5);
/// The largest part of an answer, in bytes: one role may have a hundred thousand permissions.
const PART_BYTES_MAX: usize = 64 << 20;
/// How the TLS library begins to say that it does not trust a server.
const UNTRUSTED: &str = "invalid peer certificate";
/// Organizations in one question for heads.
const HEADS_MAX: usize = 10_000;

/// Which server, and who asks.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Its address: `https://…`, or `http://…` where the network is trusted.
    pub url: String,
    /// PEM text of the certificates that vouch for it; needed for `https`.
    pub authorities: Option<String>,
    /// The machine application's client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The products to be fed with, by slug or alias.
    pub products: Vec<String>,
}

/// What must be known of the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The system organization.
    pub system: OrganizationId,
    /// The issuer of tokens.
    pub issuer: String,
    /// Whether there is only one organization.
    pub single_tenant: bool,
    /// How long access tokens live.
    pub access_token: Duration,
    /// Whether what this client is fed with is enough to judge tokens of the system organization.
    pub serves_system: bool,
}

/// The upstream server.
pub struct Upstream {
    config: UpstreamConfig,
    endpoint: Endpoint,
    channel: ArcSwap<Channel>,
    token: Mutex<Token>,
    clock: Clock,
}

/// The machine's own token.
#[derive(Default)]
struct Token {
    value: Option<MetadataValue<Ascii>>,
    /// When a new one must be asked for, since boot.
    renew_at: Duration,
}

impl Upstream {
    /// Gets ready to connect; nothing is sent yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `INTERNAL` with its cause for an address that cannot be used, and for `https` without a
    /// certificate that vouches for it.
    pub fn new(config: UpstreamConfig, clock: Clock) -> Result<Self> {
        let unusable = |error| {
            Error::new(ErrorReason::Internal, "the upstream address cannot be used").because(error)
        };
        let mut endpoint = Endpoint::from_shared(config.url.clone())
            .map_err(unusable)?
            .connect_timeout(CONNECT_MAX)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .keep_alive_while_idle(true);
        let is_https = endpoint.uri().scheme_str() == Some("https");
        match &config.authorities {
            Some(pem) if is_https && holds_certificate(pem) => {
                let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
                endpoint = endpoint.tls_config(tls).map_err(unusable)?;
            }
            None if !is_https => {}
            Some(_) if !is_https => {
                let message = "certificates vouch for an upstream server with https only";
                return Err(Error::new(ErrorReason::Internal, message));
            }
            _ => {
                let message = "https needs a certificate that vouches for the upstream server";
                return Err(Error::new(ErrorReason::Internal, message));
            }
        }
        Ok(Self {
            channel: ArcSwap::from_pointee(endpoint.connect_lazy()),
            config,
            endpoint,
            token: Mutex::default(),
            clock,
        })
    }

    /// What must be known before anything can be decided.
    ///
    /// # Errors
    /// What stands in the way, with its cause.
    pub async fn installation(&self) -> Result<Installation> {
        let request = self.short(pb::GetInstallationRequest {}).await?;
        let answer = self.client().get_installation(request).await;
        let found = self.heard(answer).await?.into_inner();
        Ok(Installation {
            system: id(&found.system_organization_id)?,
            issuer: found.issuer,
            single_tenant: found.single_tenant,
            access_token: Duration::from_secs(found.access_token_seconds.into()),
            serves_system: found.serves_system,
        })
    }

    fn channel(&self) -> Channel {
        Channel::clone(&self.channel.load())
    }

    fn client(&self) -> ReplicaServiceClient<Channel> {
        ReplicaServiceClient::new(self.channel()).max_decoding_message_size(PART_BYTES_MAX)
    }

    /// A request of ours that is answered soon or not at all.
    async fn short<M>(&self, message: M) -> Result<Request<M>> {
        let mut request = self.long(message).await?;
        request.set_timeout(CALL_MAX);
        Ok(request)
    }

    /// A request of ours whose answer may take as long as it takes.
    async fn long<M>(&self, message: M) -> Result<Request<M>> {
        let mut request = Request::new(message);
        let token = self.token().await?;
        request.metadata_mut().insert("authorization", token);
        Ok(request)
    }

    /// The token, a new one when two thirds of its life are over.
    async fn token(&self) -> Result<MetadataValue<Ascii>> {
        let mut token = self.token.lock().await;
        let now = self.clock.since_boot();
        let is_due = token.renew_at <= now;
        if let Some(value) = token.value.as_ref().filter(|_| !is_due) {
            return Ok(value.clone());
        }
        if !is_due {
            return Err(unreachable("the upstream server gave no token"));
        }
        // Until it has been answered: who fails waits before it tries again.
        token.renew_at = now + TOKEN_REST;
        match self.ask_for_token().await {
            Ok((value, lifetime)) => {
                token.renew_at = now + lifetime * 2 / 3;
                token.value = Some(value.clone());
                Ok(value)
            }
            // The old one may be good for a while.
            Err(error) => token.value.clone().ok_or(error),
        }
    }

    async fn ask_for_token(&self) -> Result<(MetadataValue<Ascii>, Duration)> {
        let mut request = Request::new(IssueTokenRequest {
            grant_type: "client_credentials".to_owned(),
            client_id: self.config.client_id.clone(),
            client_secret: self.config.client_secret.expose_secret().to_owned(),
            ..IssueTokenRequest::default()
        });
        request.set_timeout(CALL_MAX);
        let mut client = AuthServiceClient::new(self.channel());
        let answer = client
            .issue_token(request)
            .await
            .map_err(|status| failed(&status))?;
        let answer = answer.into_inner();
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", answer.access_token())
            .parse()
            .map_err(|_| nonsense("token"))?;
        value.set_sensitive(true);
        let lifetime = u64::try_from(answer.expires_in()).unwrap_or_default();
        Ok((value, Duration::from_secs(lifetime)))
    }

    /// The answer; who was told that its token is good no more asks for another one next time.
    async fn heard<T>(&self, answer: Result<T, Status>) -> Result<T> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(status) => {
                if status.code() == Code::Unauthenticated {
                    *self.token.lock().await = Token::default();
                }
                Err(failed(&status))
            }
        }
    }

    async fn next<T>(&self, parts: &mut Streaming<T>) -> Result<Option<T>> {
        let part = timeout(SILENCE_MAX, parts.message()).await;
        let part = part.map_err(|_| unreachable("the upstream server has fallen silent"))?;
        self.heard(part).await
    }

    /// All parts of an answer, this one first, until it has said which is the last.
    fn parts(
        &self,
        first: pb::StreamFactsResponse,
        answer: Streaming<pb::StreamFactsResponse>,
    ) -> impl Stream<Item = Result<Vec<Fact>>> {
        let moment = (first.revision, first.epoch);
        stream::try_unfold(Some((Some(first), answer)), move |rest| async move {
            let Some((first, mut answer)) = rest else {
                return Ok(None);
            };
            let part = match first {
                Some(first) => first,
                None => self.next(&mut answer).await?.ok_or_else(not_all)?,
            };
            if (part.revision, part.epoch) != moment {
                return Err(nonsense("facts of two revisions"));
            }
            let facts = part.facts.iter().map(|fact| serde_json::from_str(fact));
            let facts = facts
                .collect::<Result<_, _>>()
                .map_err(|_| nonsense("fact"))?;
            Ok(Some((facts, (!part.last).then_some((None, answer)))))
        })
    }

    async fn watch(&self) -> Result<Streaming<pb::WatchHeadsResponse>> {
        let request = self.long(pb::WatchHeadsRequest {}).await?;
        let answer = self.client().watch_heads(request).await;
        Ok(self.heard(answer).await?.into_inner())
    }
}

#[tonic::async_trait]
impl Source for Upstream {
    async fn heads(&self, organizations: &[OrganizationId], age_max: Duration) -> Result<Heads> {
        let mut all = Heads {
            heads: Vec::with_capacity(organizations.len()),
            time_us: 0,
            age_us: 0,
        };
        for part in organizations.chunks(HEADS_MAX) {
            let request = pb::GetHeadsRequest {
                organization_ids: part.iter().map(ToString::to_string).collect(),
                age_max_us: u64::try_from(age_max.as_micros()).unwrap_or(u64::MAX),
            };
            let request = self.short(request).await?;
            let answer = self.client().get_heads(request).await;
            let found = self.heard(answer).await?.into_inner();
            for head in found.heads {
                all.heads.push(Head {
                    organization: id(&head.organization_id)?,
                    revision: head.revision,
                    epoch: head.epoch,
                });
            }
            all.age_us = all.age_us.max(found.age_us);
            let time = found.time.ok_or_else(|| nonsense("time"))?;
            all.time_us = time.seconds * 1_000_000 + i64::from(time.nanos / 1_000);
        }
        Ok(all)
    }

    async fn facts(
        &self,
        organization: OrganizationId,
        _: OffsetDateTime,
    ) -> Result<Option<Facts<FactParts<'_>>>> {
        let request = pb::StreamFactsRequest {
            organization_id: organization.to_string(),
            products: self.config.products.clone(),
        };
        let request = self.long(request).await?;
        let mut answer = match self.client().stream_facts(request).await {
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            answer => self.heard(answer).await?.into_inner(),
        };
        let first = self.next(&mut answer).await?.ok_or_else(not_all)?;
        Ok(Some(Facts {
            revision: first.revision,
            epoch: first.epoch,
            age_us: first.age_us,
            parts: self.parts(first, answer).boxed(),
        }))
    }

    async fn changes(&self, from: Head, up_to: Revision) -> Result<Option<Steps>> {
        let request = pb::StreamChangesRequest {
            organization_id: from.organization.to_string(),
            products: self.config.products.clone(),
            after_revision: from.revision,
            up_to_revision: up_to,
            epoch: from.epoch,
        };
        let request = self.long(request).await?;
        let answer = self.client().stream_changes(request).await;
        let mut parts = self.heard(answer).await?.into_inner();
        let mut steps = Steps::new();
        let mut reached = from.revision;
        while let Some(part) = self.next(&mut parts).await? {
            if part.reset || part.revision != reached + 1 {
                return Ok(None);
            }
            reached = part.revision;
            let changes = part.changes.iter().map(|text| serde_json::from_str(text));
            let changes = changes.collect::<Result<_, _>>();
            steps.push((reached, changes.map_err(|_| nonsense("change"))?));
        }
        Ok((reached == up_to).then_some(steps))
    }

    async fn leave_connections(&self) {
        self.channel.store(Arc::new(self.endpoint.connect_lazy()));
    }

    fn hints(self: Arc<Self>) -> Hints {
        let ear = Ear {
            upstream: self,
            stream: None,
            heard: VecDeque::new(),
        };
        stream::unfold(ear, |mut ear| async { Some((ear.next().await, ear)) }).boxed()
    }
}

/// Who listens to the upstream server, again and again.
struct Ear {
    upstream: Arc<Upstream>,
    stream: Option<Streaming<pb::WatchHeadsResponse>>,
    heard: VecDeque<Hint>,
}

impl Ear {
    async fn next(&mut self) -> Hint {
        loop {
            if let Some(hint) = self.heard.pop_front() {
                return hint;
            }
            let Some(stream) = &mut self.stream else {
                match self.upstream.watch().await {
                    Ok(stream) => self.stream = Some(stream),
                    Err(_) => sleep(LISTEN_REST).await,
                }
                if self.stream.is_some() {
                    // Nobody knows what was said in between.
                    return Hint::Everything;
                }
                continue;
            };
            if let Ok(Some(news)) = self.upstream.next(stream).await {
                let ids = news.organization_ids.iter();
                let hints = ids.filter_map(|id| id.parse().ok().map(Hint::Organization));
                self.heard.extend(hints);
            } else {
                self.stream = None;
                sleep(LISTEN_REST).await;
            }
        }
    }
}

fn id(text: &str) -> Result<OrganizationId> {
    text.parse().map_err(|_| nonsense("organization id"))
}

fn nonsense(what: &'static str) -> Error {
    Error::new(
        ErrorReason::StoreUnavailable,
        "the upstream server does not speak our language",
    )
    .because(format!("its {what} cannot be read"))
}

fn not_all() -> Error {
    unreachable("the upstream server did not tell all facts")
}

fn unreachable(message: &'static str) -> Error {
    Error::new(ErrorReason::StoreUnavailable, message)
}

/// What a refusal of the upstream server means here.
fn failed(status: &Status) -> Error {
    let error = if status.code() == Code::PermissionDenied {
        Error::new(
            ErrorReason::NotServed,
            "this sidecar is not fed with that organization or product",
        )
    } else if status.source().is_none() {
        unreachable("the upstream server does not answer")
    } else if innermost(status).contains(UNTRUSTED) {
        unreachable("nobody who is trusted vouches for the upstream server")
    } else {
        unreachable("the upstream server cannot be reached")
    };
    match status.source() {
        Some(cause) => error.because(innermost(cause)),
        None => error.because(status.to_string()),
    }
}

fn holds_certificate(pem: &str) -> bool {
    let first = CertificateDer::pem_slice_iter(pem.as_bytes()).next();
    first.is_some_and(|certificate| certificate.is_ok())
}

/// What it comes down to: the transport's own words are always the same.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
