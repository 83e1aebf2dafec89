//! The short way: plain gRPC calls that are answered from memory pass neither the router nor what
//! the other faces need, and are answered on the thread of their connection.
//!
//! A call takes it if it is one in HTTP/2, of a method that is named here, in no other encoding,
//! from no web page, and nobody wants to see its span. Every other one goes the long way, to the
//! same handlers; so what is here never has to know a second form of anything.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use prost::Message;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::answer::Answer;
use super::conversation::{Answering, Conversation};
use crate::context::Arrival;
use crate::door::{self, Door, Peer};
use crate::run::{self, MESSAGE_BYTES_MAX};

/// A byte that says whether the message is compressed, and four of its length.
const FRAME_HEAD_BYTES: usize = 5;
const PLAIN: &[&[u8]] = &[b"application/grpc", b"application/grpc+proto"];
const GRPC_ENCODING: &str = "grpc-encoding";

type Handler = Box<dyn Fn(Arc<Conversation>, Request<Incoming>) -> Answering + Send + Sync>;

/// The methods that can be reached by the short way.
pub struct ShortWay {
    door: Arc<Door>,
    methods: Vec<(&'static str, Handler)>,
}

/// A call that was read.
pub struct Call<M> {
    /// Its metadata.
    pub metadata: MetadataMap,
    /// Its message.
    pub message: M,
    door: Arc<Door>,
    peer: Peer,
}

impl<M> Call<M> {
    /// How it came in. Only who has something to tell of the call needs that.
    pub fn arrival(&self) -> Arrival {
        self.door.arrival(Some(self.peer), self.metadata.as_ref())
    }

    /// As handlers take it that want to know how it came in.
    pub fn arrived(self) -> tonic::Request<M> {
        let arrival = self.arrival();
        let mut request = self.into_request();
        request.extensions_mut().insert(arrival);
        request
    }

    /// As tonic's handlers take it.
    pub fn into_request(self) -> tonic::Request<M> {
        tonic::Request::from_parts(self.metadata, Extensions::new(), self.message)
    }
}

impl ShortWay {
    /// No methods yet.
    pub fn new(door: Arc<Door>) -> Self {
        Self {
            door,
            methods: Vec::new(),
        }
    }

    /// Adds a method: its path, and what answers it.
    #[must_use]
    pub fn with<M, A, F, Fut>(mut self, path: &'static str, handler: F) -> Self
    where
        M: Message + Default + 'static,
        A: Message + 'static,
        F: Fn(Call<M>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<tonic::Response<A>, Status>> + Send + 'static,
    {
        let door = Arc::clone(&self.door);
        let answer = move |conversation: Arc<Conversation>, request: Request<Incoming>| {
            let (door, handler) = (Arc::clone(&door), handler.clone());
            let answer = async move {
                let (head, body) = request.into_parts();
                let message = match read(body).await {
                    Ok(message) => message,
                    Err(status) => return status.into_http(),
                };
                let call = Call {
                    metadata: MetadataMap::from_headers(head.headers),
                    message,
                    door,
                    peer: conversation.peer,
                };
                match handler(call).await {
                    Ok(response) => write(response),
                    Err(status) => refuse(status),
                }
            };
            Box::pin(answer) as Answering
        };
        self.methods.push((path, Box::new(answer)));
        self
    }

    /// What answers a request, if it can go the short way.
    pub(super) fn find(&self, request: &Request<Incoming>) -> Option<&Handler> {
        let path = request.uri().path();
        let (_, handler) = self.methods.iter().find(|(known, _)| *known == path)?;
        let takes = request.method() == Method::POST
            && request.version() == Version::HTTP_2
            && is_plain(request.headers())
            && !tracing::enabled!(target: "gatepost::door", tracing::Level::DEBUG);
        takes.then_some(handler)
    }
}

fn is_plain(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|value| PLAIN.contains(&value))
        && !headers.contains_key(ORIGIN)
        && headers
            .get(GRPC_ENCODING)
            .is_none_or(|value| value == "identity")
}

/// Reads the one message of a call.
async fn read<M: Message + Default>(body: Incoming) -> Result<M, Status> {
    let message = unframe(gather(body).await?)?;
    M::decode(message).map_err(|error| Status::internal(error.to_string()))
}

/// All that is sent, as it came if it came in one piece.
async fn gather(mut body: Incoming) -> Result<Bytes, Status> {
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        let frame = frame.map_err(|error| Status::from_error(Box::new(error)))?;
        let Ok(piece) = frame.into_data() else {
            break;
        };
        if whole.is_empty() && pieces.is_empty() {
            whole = piece;
        } else if !piece.is_empty() {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            pieces.extend_from_slice(&piece);
        }
        let so_far = if pieces.is_empty() { &*whole } else { &*pieces };
        check_length(so_far)?;
    }
    Ok(if pieces.is_empty() {
        whole
    } else {
        pieces.freeze()
    })
}

/// Refuses what is too long, as soon as that can be seen.
fn check_length(mut so_far: &[u8]) -> Result<(), Status> {
    let got = so_far.len();
    if got < FRAME_HEAD_BYTES {
        return Ok(());
    }
    so_far.advance(1);
    let length = usize::try_from(so_far.get_u32()).unwrap_or(usize::MAX);
    let most = length.max(got - FRAME_HEAD_BYTES);
    if most > MESSAGE_BYTES_MAX {
        return Err(Status::out_of_range(format!(
            "the message has {most} bytes, the limit is {MESSAGE_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

/// The message in its frame (gRPC over HTTP/2, “Length-Prefixed-Message”).
fn unframe(mut frame: Bytes) -> Result<Bytes, Status> {
    if frame.is_empty() {
        return Err(Status::internal("there is no message"));
    }
    if frame.len() < FRAME_HEAD_BYTES {
        return Err(Status::internal("the message ended too soon"));
    }
    if frame.get_u8() != 0 {
        return Err(Status::internal(
            "the message is compressed, and the call says in no way how",
        ));
    }
    let length = usize::try_from(frame.get_u32()).unwrap_or(usize::MAX);
    if frame.len() != length {
        return Err(Status::internal(
            "the message has another length than it says",
        ));
    }
    Ok(frame)
}

/// The request has one name, whatever header it is read from.
fn refuse(status: Status) -> Response<Answer> {
    let mut response: Response<Answer> = status.into_http();
    if let Some(name) = response.headers().get(run::REQUEST_ID).cloned() {
        response.headers_mut().insert(door::REQUEST_ID, name);
    }
    response
}

fn write(response: tonic::Response<impl Message>) -> Response<Answer> {
    let (metadata, message, _) = response.into_parts();
    let length = message.encoded_len();
    let mut frame = Vec::with_capacity(FRAME_HEAD_BYTES + length);
    frame.push(0);
    // Ours have a few hundred bytes.
    frame.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    if let Err(error) = message.encode(&mut frame) {
        return refuse(Status::internal(error.to_string()));
    }
    let mut response = Response::new(Answer::Message(frame.into()));
    *response.headers_mut() = metadata.into_headers();
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, grpc);
    response
}
