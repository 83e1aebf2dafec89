//! Wires that other standards fix: Envoy's external authorization, OpenID AuthZEN, forward-auth.
//!
//! Each reads a question in its own words, has the one gatekeeper answer it, and says the answer
//! in its own words again. None of them decides anything.

mod authzen;
pub mod envoy;
mod forward_auth;
mod identity;
mod proxied;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use gatepost_replica::Gatekeeper;
use tonic::service::RoutesBuilder;

/// Adds the services that are gRPC.
pub fn add_services(services: &mut RoutesBuilder, gatekeeper: &Arc<Gatekeeper>) {
    services.add_service(envoy::service(Arc::clone(gatekeeper)));
}

/// The paths that are HTTP. `public_url` is the address that clients know.
pub fn router(gatekeeper: &Arc<Gatekeeper>, public_url: &str) -> Router {
    authzen::router(Arc::clone(gatekeeper), public_url)
        .merge(forward_auth::router(Arc::clone(gatekeeper)))
}
