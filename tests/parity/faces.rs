//! The three faces, each called by hand: as the wire has it, and not as our client would.

use bytes::{Buf, BufMut, Bytes};
use gatepost_proto::rest::Binding;
use gatepost_proto::rest_routes::BINDINGS;
use gatepost_proto::rpc::RpcInfo;
use gatepost_proto::{DESCRIPTORS, ErrorReason};
use http::{HeaderMap, HeaderName, HeaderValue};
use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions,
};
use reqwest::Method;
use serde_json::{Map, Value};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::world::World;

/// A way to call.
#[derive(Clone, Copy, Debug)]
pub enum Face {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web over HTTP/1.1.
    GrpcWeb,
    /// JSON over HTTP/1.1.
    Rest,
}

/// What came of a call.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The reason of a refusal, and its sentence.
    pub refusal: Option<(String, String)>,
    /// The answer as REST shows it.
    pub answer: Value,
    /// The revision that the answer is based on.
    pub revision: Option<String>,
}

/// All faces of one world.
pub struct Faces<'a> {
    world: &'a World,
    channel: Channel,
    pool: DescriptorPool,
}

impl<'a> Faces<'a> {
    /// The faces of this world.
    pub async fn new(world: &'a World) -> Self {
        let endpoint = Endpoint::from_shared(world.url("")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self {
            world,
            channel,
            pool: DescriptorPool::decode(DESCRIPTORS).unwrap(),
        }
    }

    /// Calls an RPC through a face. The request is JSON, as proto3 maps it.
    pub async fn call(
        &self,
        face: Face,
        rpc: &RpcInfo,
        request: &Value,
        token: Option<&str>,
    ) -> Outcome {
        let service = self.pool.get_service_by_name(rpc.service).unwrap();
        let method = service
            .methods()
            .find(|method| method.name() == rpc.method)
            .unwrap();
        match face {
            Face::Rest => self.rest(rpc, &method, request, token).await,
            Face::Grpc => answer(
                &method,
                self.grpc(rpc, encode(&method, request), token).await,
            ),
            Face::GrpcWeb => answer(
                &method,
                self.web(rpc, encode(&method, request), token).await,
            ),
        }
    }

    async fn grpc(&self, rpc: &RpcInfo, message: Bytes, token: Option<&str>) -> Answer {
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let mut request = Request::new(message);
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let path = format!("/{}", rpc.name).parse().unwrap();
        let response = client.unary(request, path, Raw).await?;
        let (metadata, message, _) = response.into_parts();
        Ok((metadata.into_headers(), message))
    }

    async fn web(&self, rpc: &RpcInfo, message: Bytes, token: Option<&str>) -> Answer {
        let mut frame = Vec::with_capacity(5 + message.len());
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.len()).unwrap());
        frame.extend_from_slice(&message);
        let mut request = self.world.request(Method::POST, &format!("/{}", rpc.name));
        request = request.header("content-type", "application/grpc-web+proto");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.body(frame).send().await.unwrap();
        assert_eq!(
            response.status(),
            200,
            "gRPC tells of refusals in its own way"
        );
        assert_eq!(
            response.headers()["content-type"],
            "application/grpc-web+proto"
        );
        let mut headers = response.headers().clone();
        let mut body = response.bytes().await.unwrap();
        let mut message = Bytes::new();
        while body.has_remaining() {
            let (flags, length) = (body.get_u8(), body.get_u32());
            let frame = body.split_to(usize::try_from(length).unwrap());
            match flags {
                0x00 => message = frame,
                0x80 => headers.extend(trailers(&frame)),
                other => panic!("a frame of kind {other}"),
            }
        }
        let status = Status::from_header_map(&headers).expect("a status");
        if status.code() == tonic::Code::Ok {
            Ok((headers, message))
        } else {
            Err(status)
        }
    }

    async fn rest(
        &self,
        rpc: &RpcInfo,
        method: &MethodDescriptor,
        request: &Value,
        token: Option<&str>,
    ) -> Outcome {
        let binding = BINDINGS
            .iter()
            .find(|binding| binding.rpc == rpc.name)
            .unwrap();
        let (path, rest) = path(binding, &method.input(), request);
        let http_method = rpc.http_method.parse().unwrap();
        let mut call = self.world.request(http_method, &path);
        if let Some(token) = token {
            call = call.bearer_auth(token);
        }
        call = if binding.body {
            call.json(&rest)
        } else {
            call.query(&rest)
        };
        let answer = self.world.send(call).await;
        if answer.status.is_success() {
            let expected = match (binding.empty, binding.created) {
                (true, _) => 204,
                (_, true) => 201,
                _ => 200,
            };
            assert_eq!(answer.status, expected, "{}", rpc.name);
            let revision = Some(answer.header("gatepost-revision").to_owned());
            Outcome {
                refusal: None,
                answer: if binding.empty {
                    Value::Object(Map::new())
                } else {
                    answer.body
                },
                revision: revision.filter(|revision| !revision.is_empty()),
            }
        } else {
            let detail = answer.body["detail"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let refusal = Some((answer.reason().to_owned(), detail));
            Outcome {
                refusal,
                answer: Value::Null,
                revision: None,
            }
        }
    }
}

type Answer = Result<(HeaderMap, Bytes), Status>;

fn encode(method: &MethodDescriptor, request: &Value) -> Bytes {
    let message = DynamicMessage::deserialize(method.input(), request.clone()).unwrap();
    message.encode_to_vec().into()
}

fn answer(method: &MethodDescriptor, answer: Answer) -> Outcome {
    let (headers, message) = match answer {
        Ok(answer) => answer,
        Err(status) => {
            let reason = ErrorReason::of(&status)
                .map_or("", ErrorReason::name)
                .to_owned();
            let refusal = Some((reason, status.message().to_owned()));
            return Outcome {
                refusal,
                answer: Value::Null,
                revision: None,
            };
        }
    };
    let message = DynamicMessage::decode(method.output(), message).unwrap();
    let options = SerializeOptions::new().skip_default_fields(false);
    let mut json = message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap();
    let part = response_body(method);
    if !part.is_empty() {
        json = json[part.as_str()].take();
    }
    let revision = headers.get("gatepost-revision");
    let revision = revision.map(|value| value.to_str().unwrap().to_owned());
    Outcome {
        refusal: None,
        answer: json,
        revision,
    }
}

/// The part of the answer that REST shows alone.
fn response_body(method: &MethodDescriptor) -> String {
    let extension = method
        .parent_pool()
        .get_extension_by_name("google.api.http")
        .unwrap();
    let options = method.options();
    let rule = options.get_extension(&extension);
    let part = rule
        .as_message()
        .unwrap()
        .get_field_by_name("response_body")
        .unwrap();
    part.as_str().unwrap().to_owned()
}

/// The path with its variables, and the fields that are left.
fn path(binding: &Binding, input: &MessageDescriptor, request: &Value) -> (String, Value) {
    let mut fields = request.as_object().unwrap().clone();
    let mut path = String::new();
    for part in binding.template.split_inclusive(['{', '}']) {
        match part.strip_suffix('}') {
            Some(variable) => {
                let field = input.get_field_by_name(variable).unwrap();
                let value = fields.remove(field.json_name()).unwrap();
                path.push_str(value.as_str().unwrap());
            }
            None => path.push_str(part.trim_end_matches('{')),
        }
    }
    (path, Value::Object(fields))
}

fn trailers(frame: &[u8]) -> HeaderMap {
    let text = std::str::from_utf8(frame).unwrap();
    let lines = text.split("\r\n").filter(|line| !line.is_empty());
    let pairs = lines.map(|line| line.split_once(':').expect("a name and a value"));
    pairs
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value.trim()).unwrap())
        })
        .collect()
}

/// Messages as they are on the wire.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
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
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
