//! Wires that other standards fix: Envoy's external authorization, OpenID AuthZEN, forward-auth,
//! OAuth 2.
//!
//! And the pages on which people sign in.
//!
//! Each reads a question in its own words, has the one gatekeeper or the handlers of Auth answer
//! it, and says the answer in its own words again. None of them decides anything.

mod authzen;
pub mod envoy;
mod forward_auth;
mod identity;
mod oauth;
mod pages;
mod proxied;
#[cfg(test)]
mod tests;

pub use oauth::{client_header, wishes};

use std::sync::Arc;

use axum::Router;
use gatepost_replica::Gatekeeper;
use tonic::service::RoutesBuilder;

use crate::app::App;

/// Adds the services that are gRPC.
pub fn add_services(services: &mut RoutesBuilder, gatekeeper: &Arc<Gatekeeper>) {
    services.add_service(envoy::service(Arc::clone(gatekeeper)));
}

/// The paths that are HTTP. `public_url` is the address that clients know; a sidecar, which has no
/// `app`, issues no tokens.
pub fn router(gatekeeper: &Arc<Gatekeeper>, app: Option<&Arc<App>>, public_url: &str) -> Router {
    let router = authzen::router(Arc::clone(gatekeeper), public_url)
        .merge(forward_auth::router(Arc::clone(gatekeeper)));
    match app {
        Some(app) => router.merge(oauth::router(Arc::clone(app))),
        None => router,
    }
}

/// The paths that people's browsers open, and no program: no page of another site reads them.
pub fn for_browsers(app: &Arc<App>) -> Router {
    pages::router(Arc::clone(app)).merge(oauth::for_browsers(Arc::clone(app)))
}
