//! The body of an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::body::{Body, Frame, SizeHint};
use tonic::Status;

use super::conversation::Conversation;

/// What is sent after the head of an answer.
#[derive(Default)]
pub enum Answer {
    /// One message in its frame, then [`Answer::Good`].
    Message(Bytes),
    /// The trailers of a call that went well.
    Good,
    /// Whatever a face sends.
    Streamed {
        /// The body.
        body: axum::body::Body,
        /// A connection is not idle while something is sent on it.
        _conversation: Arc<Conversation>,
    },
    /// Nothing, or nothing more.
    #[default]
    Empty,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (frame, rest) = match &mut *self {
            Self::Message(message) => (Frame::data(std::mem::take(message)), Self::Good),
            Self::Good => (Frame::trailers(good()), Self::Empty),
            Self::Streamed { body, .. } => return Pin::new(body).poll_frame(cx),
            Self::Empty => return Poll::Ready(None),
        };
        *self = rest;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Message(_) | Self::Good => false,
            Self::Streamed { body, .. } => body.is_end_stream(),
            Self::Empty => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            // A length would only be one more header: the frame has it.
            Self::Message(_) | Self::Good => SizeHint::default(),
            Self::Streamed { body, .. } => body.size_hint(),
            Self::Empty => SizeHint::with_exact(0),
        }
    }
}

fn good() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}
