//! The guard of an HTTP route, as a tower layer.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts as _, RawPathParams};
use http::request::Parts;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::pass::{Passing, Read, pass};
use super::{Attributes, Guard, Need, Refusal};

impl Guard {
    /// Guards a route: `get(list).layer(guard.needs("accounts", "get"))`.
    pub fn needs(&self, resource: impl Into<String>, action: impl Into<String>) -> RouteGuard {
        RouteGuard {
            guard: self.clone(),
            need: Need::new(resource, action),
            variables: Vec::new(),
            read: None,
        }
    }
}

/// The guard of a route.
#[derive(Clone)]
pub struct RouteGuard {
    guard: Guard,
    need: Need,
    variables: Vec<&'static str>,
    read: Option<Arc<Read>>,
}

impl RouteGuard {
    /// Takes the variable of this name out of the path as an attribute of the same name. Without
    /// it in the path there is no attribute, and grants that are limited by it allow nothing.
    #[must_use]
    pub fn path_attribute(mut self, variable: &'static str) -> Self {
        self.variables.push(variable);
        self
    }

    /// Takes attributes out of the request, by whatever rule.
    #[must_use]
    pub fn attributes(
        mut self,
        read: impl Fn(&Parts) -> Attributes + Send + Sync + 'static,
    ) -> Self {
        self.read = Some(Arc::new(read));
        self
    }

    async fn need(&self, parts: &mut Parts) -> Need {
        let mut need = self.need.clone();
        if let Some(read) = &self.read {
            need.attributes.extend(read(parts));
        }
        if self.variables.is_empty() {
            return need;
        }
        // Without variables, or with one that is no UTF-8, there is nothing to be had.
        if let Ok(variables) = RawPathParams::from_request_parts(parts, &()).await {
            for (name, value) in &variables {
                if self.variables.contains(&name) {
                    need = need.attribute(name, value);
                }
            }
        }
        need
    }
}

impl fmt::Debug for RouteGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RouteGuard")
            .field("need", &self.need)
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RouteGuard {
    type Service = GuardedRoute<S>;

    fn layer(&self, inner: S) -> GuardedRoute<S> {
        GuardedRoute {
            inner,
            guard: Arc::new(self.clone()),
        }
    }
}

/// A route behind its guard.
#[derive(Clone, Debug)]
pub struct GuardedRoute<S> {
    inner: S,
    guard: Arc<RouteGuard>,
}

impl<S, B, R> Service<Request<B>> for GuardedRoute<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String> + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Passing<R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        let check = async move |mut parts: Parts| {
            let need = guard.need(&mut parts).await;
            let checked = guard.guard.check(&parts.headers, &need).await;
            (parts, checked)
        };
        pass(&mut self.inner, request, check, Refusal::response)
    }
}
