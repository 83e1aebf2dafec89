//! What to send, and how: read from files.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue, Method, Request};
use serde::Deserialize;

/// One run.
#[derive(Deserialize)]
pub struct Plan {
    /// Where the server listens, without TLS.
    pub address: SocketAddr,
    /// How long calls count.
    pub seconds: f64,
    /// How long calls are made before that.
    #[serde(default)]
    pub warm_up_seconds: f64,
    /// What is sent at the same time.
    pub flows: Vec<FlowPlan>,
}

/// One stream of calls, on connections of its own.
#[derive(Deserialize)]
pub struct FlowPlan {
    /// Its name in the output.
    pub name: String,
    /// A file with one [`Line`] of JSON for each request; they are sent in turn.
    pub requests: PathBuf,
    /// Connections.
    pub connections: usize,
    /// Of a closed loop: calls in flight on each connection.
    #[serde(default = "one")]
    pub in_flight: usize,
    /// Of an open loop: calls a second.
    pub rate: Option<f64>,
    /// Of a closed loop: each request is sent once, and then the flow ends.
    #[serde(default)]
    pub once: bool,
}

/// One request as it stands in a file.
#[derive(Deserialize)]
struct Line {
    /// Of the method: `/package.Service/Method`.
    path: String,
    /// Beside those that every gRPC call has.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The message in hexadecimal, without its frame.
    #[serde(default)]
    message: String,
}

/// One request, ready to be sent.
pub struct Prepared {
    /// Its head.
    pub head: Request<()>,
    /// Its message in its frame.
    pub body: Vec<u8>,
}

fn one() -> usize {
    1
}

/// Reads the requests of a file.
///
/// # Errors
/// A file that cannot be read, a line that is no request.
pub fn requests(path: &Path, address: SocketAddr) -> Result<Vec<Prepared>, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let lines = text.lines().map(serde_json::from_str::<Line>);
    lines.map(|line| line?.prepare(address)).collect()
}

impl Line {
    fn prepare(&self, address: SocketAddr) -> Result<Prepared, Box<dyn Error>> {
        let mut head = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{address}{}", self.path))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse()?;
            head = head.header(name, HeaderValue::from_str(value)?);
        }
        let message = hexadecimal(&self.message)?;
        // Not compressed, then the length of the message.
        let mut body = vec![0];
        body.extend_from_slice(&u32::try_from(message.len())?.to_be_bytes());
        body.extend_from_slice(&message);
        Ok(Prepared {
            head: head.body(())?,
            body,
        })
    }
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let pairs = text.as_bytes().chunks(2).map(std::str::from_utf8);
    pairs
        .map(|pair| Ok(u8::from_str_radix(pair?, 16)?))
        .collect()
}
