//! Envoy's `Check` answered with yes, without a look at what was decoded: what the real one is
//! measured against. `empty_check ADDRESS` serves it as the program does, with the same layers,
//! runtime and allocator.

use anyhow::{Context, Result};
use gatepost::config::{Config, Settings};
use gatepost_proto::envoy::authorization_server::{Authorization, AuthorizationServer};
use gatepost_proto::envoy::check_response::HttpResponse;
use gatepost_proto::envoy::{CheckRequest, CheckResponse, OkHttpResponse, Status as RpcStatus};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Says yes.
struct Empty;

#[tonic::async_trait]
impl Authorization for Empty {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse {
            status: Some(RpcStatus::default()),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
            ..CheckResponse::default()
        }))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).context("on which address?")?;
    let settings = Settings::read([("GATEPOST_LISTEN".to_owned(), address)], None)?;
    let config = Config::new(&settings)?;
    let services = Routes::new(AuthorizationServer::new(Empty));
    gatepost::serve::serve_bare(&config, services).await
}
