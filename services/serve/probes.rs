//! Probes: is it alive, may it be given work, what is it?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use gatepost_replica::Gatekeeper;
use http::StatusCode;
use http::header::CONTENT_TYPE;

/// Whether the server has begun to close.
pub type Draining = Arc<AtomicBool>;

/// `/health`, `/readyz` and `/version`.
pub fn router(gatekeeper: Arc<Gatekeeper>, draining: Draining) -> Router {
    Router::new()
        // The body is what clients of Lerian's Access Manager compare with.
        .route("/health", get(|| async { "healthy" }))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .with_state((gatekeeper, draining))
}

async fn ready(
    State((gatekeeper, draining)): State<(Arc<Gatekeeper>, Draining)>,
) -> impl IntoResponse {
    if draining.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "closing")
    } else if gatekeeper.snapshots.ready() {
        (StatusCode::OK, "ready")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not fresh enough to decide",
        )
    }
}

async fn version() -> impl IntoResponse {
    let json = concat!(
        r#"{"name":"gatepost","version":""#,
        env!("CARGO_PKG_VERSION"),
        r#""}"#
    );
    ([(CONTENT_TYPE, "application/json")], json)
}
