//! Who answers a guard.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatepost_proto::authorize::v1::authorize_service_client::AuthorizeServiceClient;
use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Extensions, Request, Status};
use tower_service::Service as _;

use crate::Client;

const TRACEPARENT: &str = "traceparent";
/// How long a connection may take to come up in the background.
const KNOCK_MAX: Duration = Duration::from_secs(10);
/// Answered by every server, at no cost, to anybody.
const KNOCK_PATH: &str = "/health";

/// Who answers the questions of a guard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Judge {
    /// A server, one call for each question. The token of the client does not matter: the guard
    /// sends the caller's own.
    Remote(Remote),
}

impl From<Client> for Judge {
    fn from(client: Client) -> Self {
        Self::Remote(Remote {
            channel: client.channel,
            is_knocking: Arc::default(),
        })
    }
}

/// A question, and on whose behalf.
pub(super) struct Asked<'a> {
    /// The caller's token; only what an `Authorization` header can carry.
    pub(super) token: &'a str,
    /// The headers of the caller's request.
    pub(super) headers: &'a HeaderMap,
    pub(super) question: AuthorizeRequest,
}

impl Judge {
    /// The decision.
    pub(super) async fn answer(&self, asked: Asked<'_>) -> Result<AuthorizeResponse, Status> {
        match self {
            Self::Remote(remote) => remote.answer(asked).await,
        }
    }

    /// Does in the background what makes the next question likelier to be answered in time.
    pub(super) fn prepare(&self) {
        match self {
            Self::Remote(remote) => remote.knock(),
        }
    }
}

/// A server.
#[derive(Clone, Debug)]
pub struct Remote {
    channel: Channel,
    is_knocking: Arc<AtomicBool>,
}

impl Remote {
    async fn answer(&self, asked: Asked<'_>) -> Result<AuthorizeResponse, Status> {
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::try_from(format!("Bearer {}", asked.token));
        let mut bearer = bearer.map_err(|_| Status::new(Code::Unauthenticated, "no token"))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        if let Some(parent) = asked.headers.get(TRACEPARENT) {
            headers.insert(TRACEPARENT, parent.clone());
        }
        let metadata = MetadataMap::from_headers(headers);
        let request = Request::from_parts(metadata, Extensions::new(), asked.question);
        let mut stub = AuthorizeServiceClient::new(self.channel.clone());
        Ok(stub.authorize(request).await?.into_inner())
    }

    /// Brings the connection up. A call that is given up at its deadline no longer drives a slow
    /// handshake; without this a product with few calls would refuse several of them.
    fn knock(&self) {
        if self.is_knocking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (mut channel, is_knocking) = (self.channel.clone(), Arc::clone(&self.is_knocking));
        tokio::spawn(async move {
            let mut request = http::Request::new(Body::empty());
            *request.uri_mut() = http::Uri::from_static(KNOCK_PATH);
            let call = async {
                poll_fn(|context| channel.poll_ready(context)).await?;
                channel.call(request).await
            };
            if let Ok(Err(error)) = tokio::time::timeout(KNOCK_MAX, call).await {
                tracing::debug!(%error, "Gatepost cannot be reached");
            }
            is_knocking.store(false, Ordering::Release);
        });
    }
}
