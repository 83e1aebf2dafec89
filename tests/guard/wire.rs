//! Servers made of a function: an RPC without generated code, and a Gatepost that says what a test
//! wants.

use std::future::ready;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request as HttpRequest;
use axum::http::HeaderMap;
use axum::routing::post;
use gatepost_proto::authorize::v1::{AuthorizeRequest, AuthorizeResponse};
use tokio::net::TcpListener;
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

const AUTHORIZE: &str = "/gatepost.authorize.v1.AuthorizeService/Authorize";

/// A handler of an RPC.
#[derive(Clone)]
struct Unary<H>(H);

impl<H, F> UnaryService<AuthorizeRequest> for Unary<H>
where
    H: Fn(Request<AuthorizeRequest>) -> F,
    F: Future<Output = Result<Response<AuthorizeResponse>, Status>>,
{
    type Response = AuthorizeResponse;
    type Future = F;

    fn call(&mut self, request: Request<AuthorizeRequest>) -> F {
        (self.0)(request)
    }
}

/// An RPC at this path. Its messages are those of `Authorize`, whatever it is.
pub fn rpc<H, F>(path: &str, handler: H) -> Router
where
    H: Fn(Request<AuthorizeRequest>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<AuthorizeResponse>, Status>> + Send + 'static,
{
    let handler = Unary(handler);
    let serve = move |request: HttpRequest| {
        let handler = handler.clone();
        async move {
            let codec = ProstCodec::<AuthorizeResponse, AuthorizeRequest>::default();
            Grpc::new(codec).unary(handler, request).await
        }
    };
    Router::new().route(path, post(serve))
}

/// A free port.
pub async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

/// Serves in the background.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A Gatepost that says what a test wants, and remembers what it was asked.
pub struct Gatepost {
    /// Where it is.
    pub url: String,
    asked: Arc<Mutex<Vec<(HeaderMap, AuthorizeRequest)>>>,
}

impl Gatepost {
    /// Always says this.
    pub async fn saying(answer: Result<AuthorizeResponse, Status>) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        let handler = move |request: Request<AuthorizeRequest>| {
            let (metadata, _, question) = request.into_parts();
            remembered
                .lock()
                .unwrap()
                .push((metadata.into_headers(), question));
            ready(answer.clone().map(Response::new))
        };
        let address = serve(rpc(AUTHORIZE, handler)).await;
        Self {
            url: format!("http://{address}"),
            asked,
        }
    }

    /// Says no, for this reason.
    pub async fn refusing(reason: &str) -> Self {
        Self::saying(Ok(AuthorizeResponse {
            reason: reason.to_owned(),
            decision_id: "decision-7".to_owned(),
            ..AuthorizeResponse::default()
        }))
        .await
    }

    /// What it was asked since the last look, with the headers of the call.
    pub fn asked(&self) -> Vec<(HeaderMap, AuthorizeRequest)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}
