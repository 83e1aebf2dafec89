//! One gRPC call over HTTP/2, with as little around it as can be.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::SendRequest;
use http::HeaderMap;
use tokio::net::TcpStream;

use crate::plan::Prepared;

/// Large enough that no answer ever waits for a window.
const WINDOW_BYTES: u32 = 16 << 20;

/// A connection; clones share it.
pub type Connection = SendRequest<Bytes>;

/// Opens a connection.
///
/// # Errors
/// Nobody answers, or not in HTTP/2.
pub async fn connect(address: SocketAddr) -> Result<Connection, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .handshake(stream)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a connection ended: {error}");
        }
    });
    Ok(sender)
}

/// Makes a call and reads its answer to the end.
///
/// # Errors
/// Why it was not answered with the gRPC status 0, in words.
pub async fn call(connection: Connection, request: &Prepared) -> Result<(), String> {
    let words = |error: h2::Error| error.to_string();
    let mut sender = connection.ready().await.map_err(words)?;
    let (answer, mut body) = sender
        .send_request(request.head.clone(), false)
        .map_err(words)?;
    body.send_data(request.body.clone(), true).map_err(words)?;
    let (head, mut body) = answer.await.map_err(words)?.into_parts();
    while let Some(part) = body.data().await {
        let length = part.map_err(words)?.len();
        let window = body.flow_control().release_capacity(length);
        window.map_err(words)?;
    }
    let trailers = body.trailers().await.map_err(words)?;
    // An answer without a message has its status in the head.
    match status(trailers.as_ref().unwrap_or(&head.headers)) {
        "0" => Ok(()),
        status => Err(format!("HTTP {}, grpc-status {status}", head.status)),
    }
}

fn status(headers: &HeaderMap) -> &str {
    let status = headers.get("grpc-status");
    status
        .and_then(|status| status.to_str().ok())
        .unwrap_or("missing")
}
