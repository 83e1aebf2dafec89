//! Calls as no client library makes them.

use std::time::Duration;

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tonic::transport::Channel;
use tonic::{Request, Status};

use gatepost_proto::rest::Binding;
use gatepost_proto::rest_routes::BINDINGS;
use gatepost_proto::rpc::Effect;
use gatepost_proto::rules::RULES;

use crate::world::{Answer, World};

/// One RPC of the contract, with its route.
pub struct Rpc {
    /// Without its service.
    pub name: String,
    /// Its descriptor.
    pub method: MethodDescriptor,
    /// Its route.
    pub binding: &'static Binding,
}

/// How long a message may take that must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to listen to who tells of what is new, and has no end.
const LISTEN: Duration = Duration::from_millis(150);

/// Every RPC that has a route, which is every RPC.
pub fn rpcs() -> Vec<Rpc> {
    let pool = DescriptorPool::decode(gatepost_proto::DESCRIPTORS).unwrap();
    let find = |binding: &'static Binding| {
        let (service, name) = binding.rpc.rsplit_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        let method = service
            .methods()
            .find(|method| method.name() == name)
            .unwrap();
        Rpc {
            name: name.to_owned(),
            method,
            binding,
        }
    };
    BINDINGS.iter().map(find).collect()
}

/// The RPC of this name.
pub fn rpc(name: &str) -> Rpc {
    rpcs().into_iter().find(|rpc| rpc.name == name).unwrap()
}

impl Rpc {
    /// Whether it changes nothing.
    pub fn reads(&self) -> bool {
        let rule = RULES.iter().find(|rpc| rpc.name == self.binding.rpc);
        rule.unwrap().rule.effect == Effect::Read
    }

    /// How long to wait for the next message of an answer that goes on.
    fn patience(&self) -> Duration {
        if self.name.starts_with("Watch") {
            LISTEN
        } else {
            PATIENCE
        }
    }

    /// A call over REST, with these fields wherever the route wants them.
    pub fn rest(
        &self,
        world: &World,
        token: Option<&str>,
        fields: &Map<String, Value>,
    ) -> reqwest::RequestBuilder {
        let mut fields = fields.clone();
        let mut path = self.binding.template.to_owned();
        for field in self.method.input().fields() {
            let variable = format!("{{{}}}", field.name());
            if path.contains(&variable) {
                let value = fields.remove(field.json_name()).unwrap_or_default();
                path = path.replace(&variable, &escape(value.as_str().unwrap_or_default()));
            }
        }
        if !self.binding.body && !fields.is_empty() {
            let pairs = fields.iter().map(|(name, value)| {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                format!("{}={}", escape(name), escape(&text))
            });
            path = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"));
        }
        let request = world.request(self.binding.method.parse().unwrap(), &path);
        let request = if self.binding.body {
            request.json(&fields)
        } else {
            request
        };
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// As [`Rpc::rest`], sent.
    pub async fn call(
        &self,
        world: &World,
        token: Option<&str>,
        fields: &Map<String, Value>,
    ) -> Answer {
        self.send(world, self.rest(world, token, fields)).await
    }

    /// Sends a call of it. The body of an answer that goes on is the list of what came.
    pub async fn send(&self, world: &World, request: reqwest::RequestBuilder) -> Answer {
        if !self.method.is_server_streaming() {
            return world.send(request).await;
        }
        let mut response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let body = response.json().await.unwrap();
            return Answer {
                status,
                headers,
                body,
            };
        }
        assert_eq!(headers["content-type"], "application/x-ndjson");
        let mut text = Vec::new();
        while let Ok(chunk) = timeout(self.patience(), response.chunk()).await {
            let Some(chunk) = chunk.unwrap() else {
                break;
            };
            text.extend_from_slice(&chunk);
        }
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        let lines = lines.map(|line| serde_json::from_slice(line).unwrap());
        Answer {
            status,
            headers,
            body: Value::Array(lines.collect()),
        }
    }

    /// A call over gRPC. An answer that goes on is the list of what came.
    pub async fn grpc(
        &self,
        channel: &Channel,
        token: Option<&str>,
        fields: &Map<String, Value>,
        metadata: &[(&str, &str)],
    ) -> Result<(Value, MetadataMap), Status> {
        let fields = Value::Object(fields.clone());
        let message = DynamicMessage::deserialize(self.method.input(), fields).unwrap();
        let mut request = Request::new(message.encode_to_vec());
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        for (name, value) in metadata {
            let name: AsciiMetadataKey = name.parse().unwrap();
            request.metadata_mut().append(name, value.parse().unwrap());
        }
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.unwrap();
        let path = format!("/{}", self.binding.rpc).parse().unwrap();
        let read = |bytes: Vec<u8>| {
            let message = DynamicMessage::decode(self.method.output(), bytes.as_slice());
            serde_json::to_value(message.unwrap()).unwrap()
        };
        if !self.method.is_server_streaming() {
            let (metadata, bytes, _) = client.unary(request, path, Raw).await?.into_parts();
            return Ok((read(bytes), metadata));
        }
        let response = client.server_streaming(request, path, Raw).await?;
        let (metadata, mut messages, _) = response.into_parts();
        let mut answers = Vec::new();
        while let Ok(message) = timeout(self.patience(), messages.message()).await {
            let Some(bytes) = message? else {
                break;
            };
            answers.push(read(bytes));
        }
        Ok((Value::Array(answers), metadata))
    }
}

/// A connection without any client of ours.
pub async fn channel(world: &World) -> Channel {
    Channel::from_shared(world.url(""))
        .unwrap()
        .connect()
        .await
        .unwrap()
}

/// Every byte escaped that could mean something.
pub fn escape(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Bytes as they are; the answer's status, head and JSON body.
pub async fn raw(world: &World, bytes: &[u8]) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A server that has said enough may reset the connection.
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    (
        status,
        head.to_lowercase(),
        serde_json::from_str(body).unwrap_or_default(),
    )
}

/// A request line and headers, ended by the server's closing.
pub fn head(method: &str, path: &[u8], headers: &[&str]) -> Vec<u8> {
    let mut head = [method.as_bytes(), b" ", path, b" HTTP/1.1\r\nhost: x\r\n"].concat();
    for header in headers {
        head.extend_from_slice(header.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    head
}

/// Asserts that an answer is a problem as the contract promises it, and says nothing of us.
pub fn assert_problem(answer: &Answer, what: &str) {
    assert!(
        answer.status.is_client_error(),
        "{what}: {} {}",
        answer.status,
        answer.body
    );
    assert_eq!(
        answer.headers["content-type"], "application/problem+json",
        "{what}"
    );
    let body = &answer.body;
    for key in ["code", "title", "message", "reason", "requestId"] {
        assert!(
            body[key].as_str().is_some_and(|text| !text.is_empty()),
            "{what}: {key} in {body}"
        );
    }
    assert_eq!(body["status"], answer.status.as_u16(), "{what}");
    assert_eq!(
        body["requestId"],
        answer.headers["x-request-id"].to_str().unwrap(),
        "{what}"
    );
    assert_says_nothing(&body.to_string(), what);
}

/// Asserts that a text has none of our insides.
pub fn assert_says_nothing(text: &str, what: &str) {
    for word in [
        "sqlx", "sea_orm", "SQLITE", "sqlite", "panicked", ".rs:", "SELECT ", "argon2",
    ] {
        assert!(!text.contains(word), "{what}: {text}");
    }
}

#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(target, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = bytes::Buf::remaining(source);
        Ok(Some(bytes::Buf::copy_to_bytes(source, length).to_vec()))
    }
}
