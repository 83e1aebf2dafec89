//! A product over HTTP, guarded by Gatepost.
//!
//! Start Gatepost, and this beside it:
//!
//! ```text
//! GATEPOST_BOOTSTRAP_ADMIN_PASSWORD='correct horse battery' gatepost serve
//! PLUGIN_AUTH_ADDRESS=http://127.0.0.1:4000 \
//!     cargo run -p gatepost-client --features axum --example protected_http
//! ```
//!
//! Then call it: with no token, with one that may, and for something that nobody may.
//!
//! ```sh
//! GATEPOST=${GATEPOST:-http://127.0.0.1:4000} PRODUCT=${PRODUCT:-http://127.0.0.1:8080}
//! TOKEN=$(curl -s $GATEPOST/v1/login/oauth/access_token --json \
//!   '{"grantType":"password","username":"admin","password":"correct horse battery"}' \
//!   | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
//! curl -siw '\n' $PRODUCT/v1/accounts
//! curl -si $PRODUCT/v1/accounts -H "Authorization: Bearer $TOKEN"
//! curl -si $PRODUCT/v1/ledgers/7/operations/1 -X DELETE -H "Authorization: Bearer $TOKEN"
//! ```
//!
//! The first is 401, the second 200, the third 403. Stop Gatepost, and all but the first is 503.

use std::error::Error;

use axum::extract::Path;
use axum::routing::{delete, get};
use axum::{Extension, Router};
use gatepost_client::guard::{Decision, Guard};
use tokio::net::TcpListener;

/// Where it listens, unless `PRODUCT_LISTEN` says otherwise.
const LISTEN: &str = "127.0.0.1:8080";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let guard = Guard::from_env("midaz")?;
    let routes = Router::new()
        .route(
            "/v1/accounts",
            get(list).layer(guard.needs("accounts", "get")),
        )
        .route(
            "/v1/ledgers/{ledger_id}/operations/{id}",
            delete(remove).layer(
                guard
                    .needs("operations", "delete")
                    .path_attribute("ledger_id"),
            ),
        );
    let address = std::env::var("PRODUCT_LISTEN").unwrap_or_else(|_| LISTEN.to_owned());
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "the product is up");
    axum::serve(listener, routes).await?;
    Ok(())
}

/// Lists accounts. There is no decision when the guard is off.
async fn list(decision: Option<Extension<Decision>>) -> String {
    match decision {
        Some(Extension(decision)) => format!(
            "the accounts of organization {} for {:?}\n",
            decision.organization, decision.subject
        ),
        None => "the accounts of everybody, for anybody\n".to_owned(),
    }
}

/// Deletes an operation of a ledger.
async fn remove(Path((ledger, id)): Path<(String, String)>) -> String {
    format!("operation {id} of ledger {ledger} is gone\n")
}
