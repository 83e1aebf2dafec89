//! A product behind the edges: its manifest, and somebody who may only look.

use std::collections::BTreeMap;

use gatepost_proto::envoy::authorization_client::AuthorizationClient;
use gatepost_proto::envoy::check_response::HttpResponse;
use gatepost_proto::envoy::value::Kind;
use gatepost_proto::envoy::{
    AttributeContext, CheckRequest, CheckResponse, Entry, HeaderMap, HeaderValue,
    HeaderValueOption, HttpRequest, Request,
};
use reqwest::Method;
use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::servers::proxy::Proxy;
use crate::world::{Actor, Answer, World};

/// Names and values.
pub type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A world with the product `shop`.
pub struct Shop {
    pub world: World,
    /// She may get items, and nothing else.
    pub alice: Actor,
}

pub fn manifest() -> Value {
    json!({
        "service": "shop", "version": "1", "aliases": ["old-shop"],
        "roles": [{"name": "shop-viewer-role", "grantedTo": [{"group": "shop-viewer-group"}]}],
        "permissions": [
            {"resource": "items", "action": "get", "roles": ["shop-viewer-role"]},
            {"resource": "items", "action": "delete"},
        ],
        "routes": [
            {"methods": ["GET", "HEAD", "POST"], "path": "/v1/items/{item_id}",
             "resource": "items", "action": "get"},
            {"methods": ["DELETE"], "path": "/v1/items/{item_id}",
             "resource": "items", "action": "delete"},
            {"grpc": "envoy.service.auth.v3.Authorization/Check",
             "resource": "items", "action": "get"},
        ],
    })
}

impl Shop {
    pub async fn open() -> Self {
        let world = World::start().await;
        let path = "/v1/declarations/shop";
        let answer = world
            .call(&world.admin, Method::PUT, path, manifest())
            .await;
        answer.is(200);
        let alice = world.person("alice", &["shop-viewer-group"]).await;
        Self { world, alice }
    }

    /// Somebody with no role in the shop.
    pub async fn stranger(&self) -> Actor {
        self.world.person("bob", &[]).await
    }

    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.alice.token)
    }

    pub fn port(&self) -> u16 {
        self.world.address.port()
    }

    pub async fn envoy(&self) -> AuthorizationClient<Channel> {
        AuthorizationClient::connect(self.world.url(""))
            .await
            .unwrap()
    }

    /// Asks as Envoy does.
    pub async fn check(
        &self,
        method: &str,
        path: &str,
        headers: Pairs<'_>,
        extensions: Pairs<'_>,
    ) -> Checked {
        let question = question(method, path, headers, extensions);
        let answer = self.envoy().await.check(question).await;
        Checked::new(answer.unwrap().into_inner())
    }
}

/// A client's call through a proxy.
pub async fn call(proxy: &Proxy, method: Method, path: &str, headers: Pairs<'_>) -> Answer {
    let client = reqwest::Client::new();
    let request = client.request(method, proxy.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

fn entries(pairs: Pairs<'_>) -> Vec<Entry> {
    let entry = |(key, value): &(&str, &str)| Entry {
        key: (*key).to_owned().into(),
        value: (*value).to_owned().into(),
    };
    pairs.iter().map(entry).collect()
}

/// A question of Envoy's.
pub fn question(
    method: &str,
    path: &str,
    headers: Pairs<'_>,
    extensions: Pairs<'_>,
) -> CheckRequest {
    let http = HttpRequest {
        method: method.to_owned().into(),
        path: path.to_owned().into(),
        headers: entries(headers),
        header_map: None,
    };
    let request = Some(Request { http: Some(http) });
    CheckRequest {
        attributes: Some(AttributeContext {
            request,
            context_extensions: entries(extensions),
        }),
    }
}

/// The same with the headers one by one, as with `encode_raw_headers`.
pub fn one_by_one(mut question: CheckRequest) -> CheckRequest {
    let attributes = question.attributes.as_mut().unwrap();
    let http = attributes.request.as_mut().unwrap().http.as_mut().unwrap();
    let headers = std::mem::take(&mut http.headers);
    let headers = headers.into_iter().map(|entry| HeaderValue {
        key: entry.key,
        raw_value: entry.value,
        ..HeaderValue::default()
    });
    http.header_map = Some(HeaderMap {
        headers: headers.collect(),
    });
    question
}

/// What Envoy was told.
#[derive(Debug)]
pub struct Checked {
    /// 200 when the request passes.
    pub status: i32,
    pub headers: BTreeMap<String, String>,
    pub removed: Vec<String>,
    pub body: String,
    pub metadata: BTreeMap<String, String>,
    /// The code of gRPC.
    pub code: i32,
}

impl Checked {
    pub fn new(answer: CheckResponse) -> Self {
        let code = answer.status.unwrap().code;
        let metadata = answer.dynamic_metadata.unwrap_or_default().fields;
        let metadata = metadata.into_iter().map(|field| {
            let value = match field.value.unwrap().kind.unwrap() {
                Kind::NumberValue(number) => number.to_string(),
                Kind::StringValue(bytes) => text(&bytes),
            };
            (text(&field.key), value)
        });
        let metadata = metadata.collect();
        match answer.http_response.unwrap() {
            HttpResponse::OkResponse(ok) => Self {
                status: 200,
                headers: pairs(ok.headers),
                removed: ok.headers_to_remove.iter().map(|name| text(name)).collect(),
                body: String::new(),
                metadata,
                code,
            },
            HttpResponse::DeniedResponse(denied) => Self {
                status: denied.status.unwrap().code,
                headers: pairs(denied.headers),
                removed: Vec::new(),
                body: text(&denied.body),
                metadata,
                code,
            },
        }
    }

    /// The problem in the body.
    pub fn problem(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        problem
    }
}

fn pairs(headers: Vec<HeaderValueOption>) -> BTreeMap<String, String> {
    let headers = headers.into_iter().map(|option| {
        assert_eq!(
            option.append_action, 2,
            "it takes the place of what is there"
        );
        let header = option.header.unwrap();
        (text(&header.key), text(&header.value))
    });
    headers.collect()
}

fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).unwrap().to_owned()
}
