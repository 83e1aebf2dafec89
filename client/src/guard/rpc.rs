//! The guard of a tonic server, as a tower layer with a table.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

use super::{Decision, Guard, Need, Refusal};

/// Path of an RPC → what it needs; nothing, when it is open.
type Table = HashMap<&'static str, Option<Need>>;

impl Guard {
    /// Begins the table of a server with one RPC, by its path:
    /// `guard.rpc("/midaz.v1.AccountService/GetAccount", "accounts", "get")`.
    pub fn rpc(
        &self,
        path: &'static str,
        resource: impl Into<String>,
        action: impl Into<String>,
    ) -> RpcGuard {
        let guard = self.clone();
        let table = Table::new();
        RpcGuard { guard, table }.rpc(path, resource, action)
    }
}

/// The guard of a server. What is not in its table is refused.
///
/// A stream is checked when it begins.
#[derive(Clone, Debug)]
pub struct RpcGuard {
    guard: Guard,
    table: Table,
}

impl RpcGuard {
    /// One more RPC.
    #[must_use]
    pub fn rpc(
        mut self,
        path: &'static str,
        resource: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        self.table.insert(path, Some(Need::new(resource, action)));
        self
    }

    /// An RPC that passes unchecked: a health probe, or one whose handler asks by itself with
    /// [`Guard::check`], because an attribute is in its message.
    #[must_use]
    pub fn open(mut self, path: &'static str) -> Self {
        self.table.insert(path, None);
        self
    }

    async fn check(&self, parts: &Parts) -> Result<Option<Decision>, Refusal> {
        let path = parts.uri.path();
        match self.table.get(path) {
            Some(Some(need)) => self.guard.check(&parts.headers, need).await,
            Some(None) => Ok(None),
            None if self.guard.is_on() => {
                tracing::debug!(path, "an RPC that is not in the guard's table was refused");
                let decision_id = String::new();
                Err(Refusal::Forbidden { decision_id })
            }
            None => {
                self.guard.pass_unchecked();
                Ok(None)
            }
        }
    }
}

impl<S> Layer<S> for RpcGuard {
    type Service = GuardedRpcs<S>;

    fn layer(&self, inner: S) -> GuardedRpcs<S> {
        GuardedRpcs {
            inner,
            guard: Arc::new(self.clone()),
        }
    }
}

/// A server behind its guard.
#[derive(Clone, Debug)]
pub struct GuardedRpcs<S> {
    inner: S,
    guard: Arc<RpcGuard>,
}

impl<S, B, R> Service<Request<B>> for GuardedRpcs<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let next = self.inner.clone();
        // The one that is ready serves this call; the clone gets ready for the next.
        let mut inner = std::mem::replace(&mut self.inner, next);
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            // Apart, because the body is nobody's to share while the check waits.
            let (mut parts, body) = request.into_parts();
            match guard.check(&parts).await {
                Ok(decision) => {
                    if let Some(decision) = decision {
                        parts.extensions.insert(decision);
                    }
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(refusal) => Ok(Status::from(refusal).into_http()),
            }
        })
    }
}
