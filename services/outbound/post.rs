//! One request and its answer, over a connection of its own.
//!
//! Nothing is followed, nothing is kept: a redirect is an answer like any other, there are no
//! cookies, and no proxy of the environment sees the secrets.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

use super::{ChosenBy, Origin, Outbound, OutboundError};

/// The most of an answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The most of its head, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// The most headers of it.
const HEADERS_MAX: usize = 64;
/// What we call ourselves.
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("gatepost/", env!("CARGO_PKG_VERSION")));

/// What is sent.
#[derive(Debug)]
pub struct Post<'a> {
    /// Where to: `https`, or `http` where that is allowed. Without a user.
    pub url: &'a Url,
    /// Who chose that.
    pub by: ChosenBy,
    /// The headers, the type of the body among them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// How many seconds to wait before the next try, if it says so (RFC 9110 §10.2.3).
    pub retry_after_s: Option<u64>,
    /// The body.
    pub body: Bytes,
}

impl Outbound {
    /// Sends a request and reads the whole answer, within this time.
    ///
    /// # Errors
    /// `Forbidden` before anything is sent, `Unreachable`, `Unreadable`.
    pub async fn post(&self, post: Post<'_>, within: Duration) -> Result<Answer, OutboundError> {
        let answer = timeout(within, self.exchange(post)).await;
        answer.unwrap_or_else(|_| Err(OutboundError::Unreachable("it took too long".into())))
    }

    async fn exchange(&self, post: Post<'_>) -> Result<Answer, OutboundError> {
        let origin = Origin::of(post.url)?;
        match origin.scheme.as_str() {
            "https" => {
                let stream = self.connect(&origin, post.by).await?;
                speak(self.secure(&origin, stream).await?, post).await
            }
            "http" => speak(self.connect(&origin, post.by).await?, post).await,
            _ => Err(OutboundError::Forbidden("it is not http")),
        }
    }
}

async fn speak<S>(stream: S, post: Post<'_>) -> Result<Answer, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let gone = |error: hyper::Error| OutboundError::Unreachable(error.to_string());
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(gone)?;
    // Ends with this function, however that ends.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let answer = sender.send_request(request(post)?).await.map_err(gone)?;
    let status = answer.status();
    let retry_after_s = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await
        .map_err(|error| OutboundError::Unreadable(error.to_string()))?
        .to_bytes();
    Ok(Answer {
        status,
        retry_after_s,
        body,
    })
}

fn request(post: Post<'_>) -> Result<http::Request<Full<Bytes>>, OutboundError> {
    let unwritable = |_| OutboundError::Forbidden("it cannot be written into a request");
    let (url, length) = (post.url, post.body.len());
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return Err(OutboundError::Forbidden("it has no host")),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = http::Request::builder()
        .method(Method::POST)
        .uri(target)
        .body(Full::new(post.body))
        .map_err(unwritable)?;
    let headers = request.headers_mut();
    *headers = post.headers;
    let host =
        HeaderValue::try_from(host).map_err(|_| OutboundError::Forbidden("its host is no name"))?;
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, AGENT);
    headers.insert(CONTENT_LENGTH, length.into());
    Ok(request)
}
