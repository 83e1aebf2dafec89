//! A product over gRPC, guarded by Gatepost. The product is the smallest service there is, the
//! health check of gRPC: its `Check` needs `accounts:get`, its `Watch` is not in the guard's table.
//!
//! Start Gatepost, and this beside it:
//!
//! ```text
//! GATEPOST_BOOTSTRAP_ADMIN_PASSWORD='correct horse battery' gatepost serve
//! PLUGIN_AUTH_ADDRESS=http://127.0.0.1:4000 \
//!     cargo run -p gatepost-client --features tonic --example protected_grpc
//! ```
//!
//! Then call it, here with nothing but curl; five zero bytes are an empty message. It tries again,
//! on a new connection, because an older curl stumbles over an answer that comes before it has
//! sent its message.
//!
//! ```sh
//! GATEPOST=${GATEPOST:-http://127.0.0.1:4000} PRODUCT=${PRODUCT:-http://127.0.0.1:8081}
//! TOKEN=$(curl -s $GATEPOST/v1/login/oauth/access_token --json \
//!   '{"grantType":"password","username":"admin","password":"correct horse battery"}' \
//!   | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
//! once() { head -c 5 /dev/zero | curl -s --http2-prior-knowledge -D - -o /dev/null --max-time 5 \
//!   -H content-type:application/grpc -H te:trailers --data-binary @- "$@"; }
//! call() { for try in 1 2 3 4 5; do said=$(once "$@") && echo "$said" && return; done; }
//! call $PRODUCT/grpc.health.v1.Health/Check
//! call $PRODUCT/grpc.health.v1.Health/Check -H "Authorization: Bearer $TOKEN"
//! call $PRODUCT/grpc.health.v1.Health/Watch -H "Authorization: Bearer $TOKEN"
//! ```
//!
//! The first has `grpc-status: 16` (not authenticated), the second 0, the third 7 (refused). Stop
//! Gatepost, and the second is 14 (unavailable).

use std::error::Error;

use gatepost_client::guard::Guard;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Where it listens, unless `PRODUCT_LISTEN` says otherwise.
const LISTEN: &str = "127.0.0.1:8081";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let guard = Guard::from_env("midaz")?;
    let (_, health) = tonic_health::server::health_reporter();
    let address = std::env::var("PRODUCT_LISTEN").unwrap_or_else(|_| LISTEN.to_owned());
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "the product is up");
    Server::builder()
        .layer(guard.rpc("/grpc.health.v1.Health/Check", "accounts", "get"))
        .add_service(health)
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}
