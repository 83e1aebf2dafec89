//! Header blocks as `h2`'s client would send them, made before anything is measured.
//!
//! A block depends on those before it: a name and a value that were sent once become a number of
//! one byte (RFC 7541 §2.3.2). So the first request of a flow is encoded once as a connection's
//! first one, and then all of them as they follow on it.

use std::error::Error;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::frames::{self, END_HEADERS, END_STREAM, Frame, Kind};
use crate::plan::Prepared;

/// `:status 200`, from the static table.
const STATUS_200: &[u8] = &[0x88];
const PIPE_BYTES: usize = 64 * 1024;
const PREFACE_BYTES: usize = 24;

/// What the requests of a flow are on a connection.
pub struct Blocks {
    /// The first request of a connection, which is the first of the flow.
    pub first: Vec<u8>,
    /// Each request of the flow, as any further one of the connection.
    pub further: Vec<Vec<u8>>,
}

/// Encodes the requests of a flow.
///
/// # Errors
/// No requests, or such as cannot be sent in any order, because they differ in more than in
/// headers that are never numbered, such as `authorization`.
pub async fn encode(requests: &[Prepared]) -> Result<Blocks, Box<dyn Error>> {
    let first = requests.first().ok_or("a flow needs requests")?;
    let all = std::iter::once(first).chain(requests).chain([first]);
    let mut blocks = record(all).await?;
    // Whatever is numbered anew moves the numbers of the rest.
    let again = blocks.pop();
    if again.as_ref() != blocks.get(1) {
        return Err("the requests of a flow must have the same path and headers".into());
    }
    let further = blocks.split_off(1);
    let first = blocks.pop().ok_or("nothing was sent")?;
    Ok(Blocks { first, further })
}

/// Sends requests one after the other to nobody, and answers their blocks.
async fn record(requests: impl Iterator<Item = &Prepared>) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let (ours, theirs) = duplex(PIPE_BYTES);
    let listening = tokio::spawn(listen(theirs));
    let (sender, connection) = h2::client::handshake(ours).await?;
    let connection = tokio::spawn(connection);
    for request in requests {
        let mut sender = sender.clone().ready().await?;
        let (answer, _) = sender.send_request(request.head.clone(), true)?;
        answer.await?;
    }
    drop(sender);
    connection.await??;
    Ok(listening.await??)
}

/// A server that says yes to everything, and notes the blocks that it was sent.
async fn listen(mut stream: DuplexStream) -> std::io::Result<Vec<Vec<u8>>> {
    let mut blocks = Vec::new();
    let mut bytes = vec![0; PREFACE_BYTES];
    stream.read_exact(&mut bytes).await?;
    bytes.clear();
    let mut answer = Vec::new();
    frames::put(&mut answer, Kind::Settings, 0, 0, &[]);
    loop {
        stream.write_all(&answer).await?;
        answer.clear();
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(blocks);
        }
        let mut rest = bytes.as_slice();
        while let Some(frame) = Frame::next(&mut rest) {
            if frame.kind == Some(Kind::Headers) {
                blocks.push(frame.payload.to_vec());
                let flags = END_HEADERS | END_STREAM;
                frames::put(&mut answer, Kind::Headers, flags, frame.stream, STATUS_200);
            }
        }
        bytes = rest.to_vec();
    }
}
