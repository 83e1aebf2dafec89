//! A product with the same things to call over HTTP and gRPC.

use std::future::ready;
use std::net::SocketAddr;

use axum::extract::Request as HttpRequest;
use axum::handler::Handler as _;
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Extension, Router};
use gatepost_client::guard::{Attributes, Decision, Guard, Need, Subject};
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use serde_json::{Value, json};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response};
use tonic_prost::ProstCodec;

use super::wire::{listen, rpc, serve};

/// How a product is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Http,
    Grpc,
}

pub const FACES: [Face; 2] = [Face::Http, Face::Grpc];

/// What can be called, by these paths over both faces.
pub const GET: &str = "/bank.v1.Accounts/Get";
pub const DELETE: &str = "/bank.v1.Accounts/Delete";
/// Needs a resource that no manifest declares.
pub const MISSPELT: &str = "/bank.v1.Accounts/Misspelt";
/// Its handler checks by itself.
pub const INSIDE: &str = "/bank.v1.Accounts/Inside";
/// Has no guard.
pub const OPEN: &str = "/bank.v1.Accounts/Open";
/// Over gRPC, in no table.
pub const UNLISTED: &str = "/bank.v1.Accounts/Unlisted";

/// A running product.
pub struct Product {
    /// Where it is served over HTTP.
    pub http: SocketAddr,
    grpc: Channel,
    client: reqwest::Client,
}

/// What it says.
#[derive(Debug)]
pub struct Said {
    /// The HTTP status; over gRPC the one that corresponds.
    pub status: u16,
    /// The reason of a refusal.
    pub reason: String,
    /// What its handler knows of the decision.
    pub decision: Value,
    /// The whole answer with its headers.
    pub text: String,
}

impl Product {
    /// Starts a product behind this guard.
    pub async fn start(guard: &Guard) -> Self {
        let grpc = serve_grpc(guard).await;
        let grpc = Endpoint::from_shared(format!("http://{grpc}")).unwrap();
        Self {
            http: serve(over_http(guard)).await,
            grpc: grpc.connect_lazy(),
            client: reqwest::Client::new(),
        }
    }

    /// Calls it with these `Authorization` headers.
    pub async fn call(&self, face: Face, path: &'static str, authorization: &[&str]) -> Said {
        match face {
            Face::Http => self.over_http(path, authorization).await,
            Face::Grpc => {
                let headers = authorization.iter().map(|value| ("authorization", *value));
                self.over_grpc(path, &headers.collect::<Vec<_>>()).await
            }
        }
    }

    /// Calls it with this token.
    pub async fn call_as(&self, face: Face, path: &'static str, token: &str) -> Said {
        self.call(face, path, &[&format!("Bearer {token}")]).await
    }

    /// Calls it about one ledger with this token.
    pub async fn call_about(&self, face: Face, ledger: &str, token: &str) -> Said {
        let bearer = format!("Bearer {token}");
        match face {
            Face::Http => {
                let path = format!("/ledgers/{ledger}/accounts/1");
                self.over_http(&path, &[&bearer]).await
            }
            Face::Grpc => {
                let headers = [("authorization", bearer.as_str()), (LEDGER, ledger)];
                self.over_grpc(GET, &headers).await
            }
        }
    }

    async fn over_http(&self, path: &str, authorization: &[&str]) -> Said {
        let url = format!("http://{}{path}", self.http);
        let mut request = self.client.get(url).header("traceparent", TRACE);
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = format!("{:?}", response.headers());
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap();
        Said {
            status,
            reason: body["reason"].as_str().unwrap_or_default().to_owned(),
            decision: body["decision"].clone(),
            text: format!("{headers}{text}"),
        }
    }

    async fn over_grpc(&self, path: &'static str, headers: &[(&'static str, &str)]) -> Said {
        let mut request = Request::new(AuthorizeRequest::default());
        request
            .metadata_mut()
            .insert("traceparent", TRACE.parse().unwrap());
        for (name, value) in headers {
            request.metadata_mut().append(*name, value.parse().unwrap());
        }
        let codec = ProstCodec::<AuthorizeRequest, AuthorizeResponse>::default();
        let mut grpc = tonic::client::Grpc::new(self.grpc.clone());
        grpc.ready().await.unwrap();
        match grpc.unary(request, path.parse().unwrap(), codec).await {
            Ok(response) => Said {
                status: 200,
                reason: String::new(),
                decision: serde_json::from_str(&response.get_ref().reason).unwrap(),
                text: format!("{response:?}"),
            },
            Err(status) => Said {
                status: http_status(status.code()),
                reason: ErrorReason::of(&status)
                    .map_or_else(String::new, |reason| reason.name().to_owned()),
                decision: Value::Null,
                text: format!("{status:?}{}", String::from_utf8_lossy(status.details())),
            },
        }
    }
}

/// The HTTP status that says the same. A guard has no other codes.
fn http_status(code: Code) -> u16 {
    let same = [
        (Code::Unauthenticated, 401),
        (Code::PermissionDenied, 403),
        (Code::Unavailable, 503),
    ];
    let found = same.iter().find(|(grpc, _)| *grpc == code);
    found.unwrap_or_else(|| panic!("{code:?}")).1
}

/// The metadata that names the ledger over gRPC; over HTTP it is in the path.
const LEDGER: &str = "ledger-id";

/// What every caller of a product sends along.
pub const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What a handler knows of the decision.
fn known(decision: Option<&Decision>) -> Value {
    let Some(decision) = decision else {
        return Value::Null;
    };
    let subject = match &decision.subject {
        Subject::User(id) => format!("user {id}"),
        Subject::Application(id) => format!("application {id}"),
    };
    json!({
        "subject": subject,
        "organization": decision.organization,
        "id": decision.id,
        "revision": decision.revision,
    })
}

fn over_http(guard: &Guard) -> Router {
    let handler = |decision: Option<Extension<Decision>>| async move { body(decision.as_deref()) };
    let by_hand = guard.clone();
    let inside = |request: HttpRequest| async move {
        match by_hand.check(request.headers(), &inside()).await {
            Ok(decision) => body(decision.as_ref()).into_response(),
            Err(refusal) => refusal.response(),
        }
    };
    let deep = guard
        .needs("accounts", "get")
        .path_attribute("ledger_id")
        .attributes(|parts| {
            let method = parts.method.to_string();
            Attributes::from([("method".to_owned(), method)])
        });
    Router::new()
        .route(
            "/ledgers/{ledger_id}/accounts/{id}",
            get(handler).layer(deep),
        )
        .route(GET, get(handler).layer(guard.needs("accounts", "get")))
        // One handler of a route, where the others need something else.
        .route(
            DELETE,
            get(handler.layer(guard.needs("accounts", "delete"))),
        )
        .route(MISSPELT, get(handler).layer(guard.needs("acounts", "get")))
        .route(INSIDE, get(inside))
        .route(OPEN, get(handler))
}

fn over_grpc(guard: &Guard) -> Router {
    let handler = |request: Request<AuthorizeRequest>| {
        ready(Ok(told(request.extensions().get::<Decision>())))
    };
    let by_hand = guard.clone();
    let inside = move |request: Request<AuthorizeRequest>| {
        let by_hand = by_hand.clone();
        async move {
            let headers = request.metadata().as_ref();
            let decision = by_hand.check(headers, &inside()).await?;
            Ok(told(decision.as_ref()))
        }
    };
    [GET, DELETE, MISSPELT, OPEN, UNLISTED]
        .into_iter()
        .fold(rpc(INSIDE, inside), |router, path| {
            router.merge(rpc(path, handler))
        })
}

fn body(decision: Option<&Decision>) -> String {
    json!({"decision": known(decision)}).to_string()
}

/// What only a handler knows of what it needs.
fn inside() -> Need {
    Need::new("accounts", "get").attribute("ledger_id", "l-7")
}

/// The ledger that a call over gRPC is about, if it says.
fn ledger(headers: &HeaderMap) -> Attributes {
    let ledger = headers.get(LEDGER).and_then(|value| value.to_str().ok());
    let ledger = ledger.map(|ledger| ("ledger_id".to_owned(), ledger.to_owned()));
    ledger.into_iter().collect()
}

fn told(decision: Option<&Decision>) -> Response<AuthorizeResponse> {
    Response::new(AuthorizeResponse {
        reason: known(decision).to_string(),
        ..AuthorizeResponse::default()
    })
}

async fn serve_grpc(guard: &Guard) -> SocketAddr {
    let layer = guard
        .rpc(GET, "accounts", "get")
        .rpc(DELETE, "accounts", "delete")
        .rpc(MISSPELT, "acounts", "get")
        .open(INSIDE)
        .open(OPEN)
        .attributes(|parts| ledger(&parts.headers));
    let routes = Routes::from(over_grpc(guard));
    let server = Server::builder().layer(layer).add_routes(routes);
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}
