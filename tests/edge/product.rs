//! A product that tells what reached it: HTTP/1.1 and gRPC on one port.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use gatepost_proto::envoy::authorization_server::{Authorization, AuthorizationServer};
use gatepost_proto::envoy::{CheckRequest, CheckResponse};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Response, Status};

/// A product that is up. Dropping it ends it.
pub struct Product {
    pub port: u16,
    calls: Arc<Mutex<Vec<MetadataMap>>>,
    serving: JoinHandle<()>,
}

/// A gRPC service, whichever: it only remembers who called.
struct Remembers(Arc<Mutex<Vec<MetadataMap>>>);

#[tonic::async_trait]
impl Authorization for Remembers {
    async fn check(
        &self,
        request: tonic::Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        self.0.lock().unwrap().push(request.metadata().clone());
        Ok(Response::new(CheckResponse::default()))
    }
}

impl Product {
    pub async fn start() -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let service = AuthorizationServer::new(Remembers(Arc::clone(&calls)));
        let router: Router = Routes::new(service)
            .prepare()
            .into_axum_router()
            .reset_fallback()
            .fallback(echo);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            port,
            calls,
            serving,
        }
    }

    /// The metadata of the gRPC calls that came.
    pub fn calls(&self) -> Vec<MetadataMap> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn echo(request: Request) -> String {
    let headers = request.headers().iter();
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    let uri = request.uri().path_and_query().unwrap().as_str();
    json!({"method": request.method().as_str(), "uri": uri, "headers": headers}).to_string()
}
