//! The guard of a tonic server, as a tower layer with a table.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

use super::pass::{Passing, Read, pass};
use super::{Attributes, Decision, Guard, Need, Refusal};

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
        let guarded = RpcGuard {
            guard,
            table: Table::new(),
            read: None,
        };
        guarded.rpc(path, resource, action)
    }
}

/// The guard of a server. What is not in its table is refused.
///
/// A stream is checked when it begins.
#[derive(Clone)]
pub struct RpcGuard {
    guard: Guard,
    table: Table,
    read: Option<Arc<Read>>,
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

    /// Takes attributes of every call in the table out of its path and metadata, by whatever rule.
    /// Without an attribute, grants that are limited by it allow nothing.
    #[must_use]
    pub fn attributes(
        mut self,
        read: impl Fn(&Parts) -> Attributes + Send + Sync + 'static,
    ) -> Self {
        self.read = Some(Arc::new(read));
        self
    }

    async fn check(&self, parts: &Parts) -> Result<Option<Decision>, Refusal> {
        let path = parts.uri.path();
        match self.table.get(path) {
            Some(Some(need)) => {
                let mut need = need.clone();
                if let Some(read) = &self.read {
                    need.attributes.extend(read(parts));
                }
                self.guard.check(&parts.headers, &need).await
            }
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

impl fmt::Debug for RpcGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RpcGuard")
            .field("guard", &self.guard)
            .field("table", &self.table)
            .finish_non_exhaustive()
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
    R: Default + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Passing<R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        let check = async move |parts: Parts| {
            let checked = guard.check(&parts).await;
            (parts, checked)
        };
        let answer = |refusal| Status::from(refusal).into_http();
        pass(&mut self.inner, request, check, answer)
    }
}
