//! Envoy's `Check` answered with yes, without a look at what was decoded: what the real one is
//! measured against. `empty_check ADDRESS` serves it as the program does, with the same transport,
//! threads and allocator.

use anyhow::{Context, Result};
use gatepost::config::{Config, Settings};
use gatepost::serve::{Call, serve_bare};
use gatepost_proto::envoy::check_response::HttpResponse;
use gatepost_proto::envoy::{CheckRequest, CheckResponse, OkHttpResponse, Status as RpcStatus};
use tonic::Response;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

#[tokio::main]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).context("on which address?")?;
    let settings = Settings::read([("GATEPOST_LISTEN".to_owned(), address)], None)?;
    let config = Config::new(&settings)?;
    serve_bare(&config, |methods| {
        methods.with(CHECK, |_: Call<CheckRequest>| async {
            Ok(Response::new(yes()))
        })
    })
    .await
}

fn yes() -> CheckResponse {
    CheckResponse {
        status: Some(RpcStatus::default()),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
        ..CheckResponse::default()
    }
}
