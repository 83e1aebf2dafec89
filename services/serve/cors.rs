//! Pages of other origins that may call us (Fetch §3.3).

use anyhow::{Context, Result};
use http::{HeaderName, HeaderValue};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, CorsLayer};

/// The headers of gRPC-Web answers that pages may read.
const EXPOSED: [&str; 4] = [
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
    "gatepost-revision",
];

/// Which pages of others may call us with a script.
///
/// # Errors
/// An origin that is none.
pub fn layer(origins: &[String]) -> Result<CorsLayer> {
    let exposed = EXPOSED.map(HeaderName::from_static);
    let layer = CorsLayer::new()
        .allow_methods(Any)
        // Mirrored and not `*`, which does not stand for `Authorization` (Fetch §3.3.5).
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed);
    if origins.iter().any(|origin| origin == "*") {
        return Ok(layer.allow_origin(Any));
    }
    let origins: Vec<HeaderValue> = origins
        .iter()
        .map(|origin| origin.parse())
        .collect::<Result<_, _>>()
        .context("setting `GATEPOST_CORS_ORIGINS`")?;
    Ok(layer.allow_origin(AllowOrigin::list(origins)))
}
