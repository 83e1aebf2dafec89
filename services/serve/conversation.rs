//! One connection: its protocol, its calls, and when it ends.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::ServiceExt;

use super::answer::Answer;
use super::deadline::{Deadline, Limit};
use super::short::ShortWay;
use super::turns::Turns;
use crate::door::Peer;

const STREAMS_PER_CONNECTION_MAX: u32 = 1024;
const HEADER_BYTES_MAX: u32 = 32 * 1024;
/// Time between two questions to the other end of HTTP/2 whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long it may take to say so.
const KEEPALIVE_ANSWER_MAX: Duration = Duration::from_secs(20);
/// How long the head of a request in HTTP/1.1 may take, counted from the answer before.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// How long a connection may take to say which protocol it speaks.
const FIRST_WORDS_MAX: Duration = Duration::from_secs(10);
/// The length of HTTP/2's preface (RFC 9113 §3.4); no request in HTTP/1.1 with a host is shorter.
const FIRST_WORDS_BYTES: usize = 24;
/// A connection is looked at this often.
const LOOK: Duration = Duration::from_mins(1);
/// A connection without a call at so many looks in a row is closed.
const IDLE_LOOKS_MAX: u32 = 5;

/// What every connection talks to.
pub struct Faces {
    /// Every face.
    pub router: Router,
    /// Past the router, for calls that are answered from memory.
    pub short: ShortWay,
    /// Runs what may wait for a database.
    pub runtime: Handle,
}

/// What is known of one connection.
pub struct Conversation {
    /// What it talks to.
    pub faces: Arc<Faces>,
    /// The socket's other end.
    pub peer: Peer,
    /// Whether there was a call since the last look.
    called: AtomicBool,
    /// Whether as much came as says which protocol it is.
    heard: AtomicBool,
}

/// A call on its way.
pub type Answering = Pin<Box<dyn Future<Output = Response<Answer>> + Send>>;

/// Serves a connection until it ends, or is asked to.
pub async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    faces: Arc<Faces>,
    mut stopped: watch::Receiver<bool>,
) {
    let conversation = Arc::new(Conversation {
        faces,
        peer,
        called: AtomicBool::new(false),
        heard: AtomicBool::new(false),
    });
    let turns = Turns::default();
    let heard = Heard {
        stream,
        bytes: 0,
        turns: turns.clone(),
        conversation: Arc::clone(&conversation),
    };
    let builder = builder(turns.clone());
    let talk = Talk(Arc::clone(&conversation));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(heard), talk));
    // All of them are in this function, but for those that calls hold.
    let at_rest = Arc::strong_count(&conversation);
    let mut look = std::pin::pin!(sleep(FIRST_WORDS_MAX));
    let mut watch = Watch::default();
    let mut is_closing = false;
    loop {
        tokio::select! {
            biased;
            ended = poll_fn(|cx| turns.take(connection.as_mut(), cx)) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection failed");
                }
                return;
            }
            _ = stopped.wait_for(|stopped| *stopped), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
            () = look.as_mut(), if !is_closing => {
                let seen = Seen {
                    called: conversation.called.swap(false, Ordering::Relaxed),
                    calls: Arc::strong_count(&conversation) > at_rest,
                    heard: conversation.heard.load(Ordering::Relaxed),
                };
                match watch.look(seen) {
                    Fate::Stays => look.set(sleep(LOOK)),
                    Fate::IsAskedToEnd => {
                        is_closing = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    Fate::Ends => return,
                }
            }
        }
    }
}

/// What is seen of a connection when it is looked at.
#[derive(Clone, Copy)]
struct Seen {
    /// There was a call since the last look.
    called: bool,
    /// There is one now.
    calls: bool,
    /// It has said which protocol it speaks.
    heard: bool,
}

/// What becomes of a connection.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    IsAskedToEnd,
    Ends,
}

/// Looks at a connection: at first after [`FIRST_WORDS_MAX`], then every [`LOOK`].
#[derive(Default)]
struct Watch {
    idle_looks: u32,
}

impl Watch {
    fn look(&mut self, seen: Seen) -> Fate {
        if seen.called || seen.calls {
            self.idle_looks = 0;
            return Fate::Stays;
        }
        self.idle_looks += 1;
        if !seen.heard {
            Fate::Ends
        } else if self.idle_looks > IDLE_LOOKS_MAX {
            Fate::IsAskedToEnd
        } else {
            Fate::Stays
        }
    }
}

fn builder(turns: Turns) -> Builder<Turns> {
    let mut builder = Builder::new(turns);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER_MAX);
    builder
}

/// A stream that notes when enough was heard, and is read in turns.
struct Heard<S> {
    stream: S,
    bytes: usize,
    turns: Turns,
    conversation: Arc<Conversation>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.turns.may_read() {
            // In the next turn.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let bytes = buffer.filled().len().saturating_sub(before);
        self.turns.note(bytes);
        if self.bytes < FIRST_WORDS_BYTES {
            self.bytes += bytes;
            let heard = self.bytes >= FIRST_WORDS_BYTES;
            self.conversation.heard.store(heard, Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Answers the calls of a connection.
struct Talk(Arc<Conversation>);

impl Service<Request<Incoming>> for Talk {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Deadline;

    fn call(&self, request: Request<Incoming>) -> Deadline {
        let conversation = Arc::clone(&self.0);
        conversation.called.store(true, Ordering::Relaxed);
        let limit = Limit::of(request.headers());
        let call: Answering = match self.0.faces.short.find(&request) {
            Some(handler) => handler(conversation, request),
            None => Box::pin(go_the_long_way(conversation, request)),
        };
        limit.keep(call)
    }
}

/// Through the router, on the program's own runtime.
async fn go_the_long_way(
    conversation: Arc<Conversation>,
    mut request: Request<Incoming>,
) -> Response<Answer> {
    request.extensions_mut().insert(conversation.peer);
    let router = conversation.faces.router.clone();
    // Ends with this future, when the caller has gone.
    let mut calls = JoinSet::new();
    calls.spawn_on(
        router.oneshot(request.map(axum::body::Body::new)),
        &conversation.faces.runtime,
    );
    match calls.join_next().await {
        Some(Ok(Ok(response))) => response.map(|body| Answer::Streamed {
            body,
            _conversation: conversation,
        }),
        // It panicked, or the program is about to end.
        _ => failed(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// An answer that says no more than its status.
pub fn failed(status: StatusCode) -> Response<Answer> {
    let mut response = Response::new(Answer::Empty);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: Seen = Seen {
        called: false,
        calls: false,
        heard: false,
    };
    const IDLE: Seen = Seen {
        heard: true,
        ..SILENT
    };

    #[test]
    fn a_connection_that_says_nothing_ends_at_the_first_look() {
        assert_eq!(Watch::default().look(SILENT), Fate::Ends);
    }

    #[test]
    fn an_idle_connection_is_asked_to_end_and_a_used_one_is_not() {
        let called = Seen {
            called: true,
            ..IDLE
        };
        let answers = Seen {
            calls: true,
            ..IDLE
        };
        let mut watch = Watch::default();
        for used in [called, answers, called] {
            for _ in 0..IDLE_LOOKS_MAX {
                assert_eq!(watch.look(IDLE), Fate::Stays);
            }
            assert_eq!(watch.look(used), Fate::Stays);
        }
        for _ in 0..IDLE_LOOKS_MAX {
            assert_eq!(watch.look(IDLE), Fate::Stays);
        }
        assert_eq!(watch.look(IDLE), Fate::IsAskedToEnd);
    }
}
