//! What the layers of both faces do with a call: ask about it, and let it pass or answer it.

use std::pin::Pin;

use http::request::Parts;
use http::{Request, Response};
use tower_service::Service;

use super::{Attributes, Decision, Refusal};

/// Reads attributes out of the head of a request.
pub(super) type Read = dyn Fn(&Parts) -> Attributes + Send + Sync;

/// A call on its way.
pub(super) type Passing<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

/// What a check has found, beside the head of the request that it looked at.
pub(super) type Checked = (Parts, Result<Option<Decision>, Refusal>);

/// Hands a call to the service behind when it may pass, with the decision in its extensions; if it
/// may not, `answer` says what the caller gets.
pub(super) fn pass<S, B, R, F>(
    service: &mut S,
    request: Request<B>,
    check: impl FnOnce(Parts) -> F,
    answer: fn(Refusal) -> Response<R>,
) -> Passing<R, S::Error>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: 'static,
    F: Future<Output = Checked> + Send + 'static,
{
    let next = service.clone();
    // The one that is ready serves this call; the clone gets ready for the next.
    let mut service = std::mem::replace(service, next);
    // Apart, because the body is nobody's to share while the check waits.
    let (parts, body) = request.into_parts();
    let checked = check(parts);
    Box::pin(async move {
        let (mut parts, checked) = checked.await;
        match checked {
            Ok(decision) => {
                if let Some(decision) = decision {
                    parts.extensions.insert(decision);
                }
                service.call(Request::from_parts(parts, body)).await
            }
            Err(refusal) => Ok(answer(refusal)),
        }
    })
}
