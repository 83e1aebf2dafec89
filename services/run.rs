//! The one way through the program: what is true for every RPC happens here, once.
//!
//! ```text
//! authenticate → validate → decide(rule) → begin → handler → audit + revision → commit → hint
//! ```
//!
//! A handler holds only what makes its RPC different. Any error rolls back and becomes a status
//! here. The hot path, `Authorize`, is the one exception.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use futures::Future;
use futures::future::ready;
use gatepost_core::Revision;
use gatepost_proto::ErrorReason;
use gatepost_proto::redact::Redact;
use gatepost_proto::rpc::{Access, Effect, Rpc};
use gatepost_proto::rules::RULES;
use gatepost_proto::validate::{Validate, Violations};
use gatepost_replica::{Gatekeeper, Want};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use metrics::Counter;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::app::App;
use crate::context::{Arrival, Audit, Caller, Cx, Gate};
use crate::error::{Error, Result};
use crate::once::{self, Once};
use crate::refusals;

/// The largest message that is read, in bytes, whatever the face.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Response metadata: the revision that the answer is based on.
pub const REVISION: &str = "gatepost-revision";
/// Request metadata: the least revision that an answer may be based on.
const MIN_REVISION: &str = "gatepost-min-revision";
/// Response metadata: names the request in the log.
pub const REQUEST_ID: &str = "gatepost-request-id";

/// An `async fn(&mut C, In) -> Result<Out>`.
pub trait Handler<'a, C, In, Out> {
    /// What it becomes when called.
    type Future: Future<Output = Result<Out>> + Send + 'a;

    /// Calls it.
    fn call(self, cx: &'a mut C, input: In) -> Self::Future;
}

impl<'a, C, In, Out, F, Fut> Handler<'a, C, In, Out> for F
where
    C: 'a,
    F: FnOnce(&'a mut C, In) -> Fut,
    Fut: Future<Output = Result<Out>> + Send + 'a,
{
    type Future = Fut;

    fn call(self, cx: &'a mut C, input: In) -> Fut {
        self(cx, input)
    }
}

/// Runs the RPC of a signed-in caller.
///
/// # Errors
/// Whatever went wrong, as a status with its reason.
pub async fn run<Req, H>(
    app: &Arc<App>,
    request: Request<Req>,
    handler: H,
) -> Result<Response<Req::Response>, Status>
where
    Req: Rpc + Validate,
    Req::Response: Redact,
    H: for<'a> Handler<'a, Cx, Req, Req::Response>,
{
    run_prepared(app, request, |_, _, message| ready(Ok(message)), handler).await
}

/// Runs the RPC of a signed-in caller that has slow work to do, such as hashing a password,
/// before its transaction may begin: a transaction locks its organization for other writers.
///
/// # Errors
/// Whatever went wrong, as a status with its reason.
pub async fn run_prepared<Req, In, P, PFut, H>(
    app: &Arc<App>,
    request: Request<Req>,
    prepare: P,
    handler: H,
) -> Result<Response<Req::Response>, Status>
where
    Req: Rpc + Validate,
    Req::Response: Redact,
    P: FnOnce(Arc<App>, Caller, Req) -> PFut,
    PFut: Future<Output = Result<In>> + Send,
    H: for<'a> Handler<'a, Cx, In, Req::Response>,
{
    let arrival = Arrival::of(&request);
    let span = tracing::debug_span!("rpc", name = Req::NAME, request_id = %arrival.request_id);
    let result = signed_in(app, &arrival, request, prepare, handler)
        .instrument(span)
        .await;
    if let Err(error) = &result {
        refusals::audit(app, &arrival, Req::NAME, None, error).await;
    }
    answer::<Req>(&arrival, result)
}

/// Runs an RPC that needs no credential.
///
/// # Errors
/// Whatever went wrong, as a status with its reason.
pub async fn run_public<Req, H>(
    app: &Arc<App>,
    request: Request<Req>,
    handler: H,
) -> Result<Response<Req::Response>, Status>
where
    Req: Rpc + Validate,
    H: for<'a> Handler<'a, Gate, Req, Req::Response>,
{
    let arrival = Arrival::of(&request);
    let span = tracing::debug_span!("rpc", name = Req::NAME, request_id = %arrival.request_id);
    let result = public(app, &arrival, request, handler)
        .instrument(span)
        .await;
    if let Err(error) = &result {
        refusals::audit(app, &arrival, Req::NAME, None, error).await;
    }
    answer::<Req>(&arrival, result)
}

async fn signed_in<Req, In, P, PFut, H>(
    app: &Arc<App>,
    arrival: &Arrival,
    request: Request<Req>,
    prepare: P,
    handler: H,
) -> Result<Response<Req::Response>>
where
    Req: Rpc + Validate,
    Req::Response: Redact,
    P: FnOnce(Arc<App>, Caller, Req) -> PFut,
    PFut: Future<Output = Result<In>> + Send,
    H: for<'a> Handler<'a, Cx, In, Req::Response>,
{
    let (metadata, _, message) = request.into_parts();
    let least = min_revision(&metadata)?;
    let known = if Req::RULE.installation { 0 } else { least };
    let caller = authenticate(&app.gatekeeper, &metadata, Want::at_least(known)).await?;
    caller.require_for_us(&app.public_url)?;
    validate(&message)?;
    allow::<Req>(&caller)?;
    let once = Once::read(app, &metadata, &caller, &message)?;
    let (organization, user) = (caller.organization(), caller.user());
    let done = carry_out(
        app,
        arrival,
        (caller, least, once),
        message,
        prepare,
        handler,
    )
    .await;
    done.map_err(|error| error.concerning(organization, user))
}

/// What a caller may do is done: all that is left are the parts that are the RPC's own.
async fn carry_out<Req, In, P, PFut, H>(
    app: &Arc<App>,
    arrival: &Arrival,
    (caller, least, once): (Caller, Revision, Option<Once>),
    message: Req,
    prepare: P,
    handler: H,
) -> Result<Response<Req::Response>>
where
    Req: Rpc,
    Req::Response: Redact,
    P: FnOnce(Arc<App>, Caller, Req) -> PFut,
    PFut: Future<Output = Result<In>> + Send,
    H: for<'a> Handler<'a, Cx, In, Req::Response>,
{
    let input = prepare(Arc::clone(app), caller.clone(), message).await?;
    let mut cx = begin::<Req>(app, arrival, caller).await?;
    if cx.tx.revision() < least {
        return Err(Error::new(
            ErrorReason::RevisionAhead,
            "there is no such revision yet",
        ));
    }
    if Req::RULE.effect == Effect::Read {
        let response = handler.call(&mut cx, input).await?;
        return Ok(at_revision(cx.tx.revision(), response));
    }
    let response = once::answer(once, &mut cx, input, handler).await?;
    let Cx { tx, audit, .. } = cx;
    // Where a call began is where its caller will look next, even if it ended elsewhere.
    let first = tx.left().first().map(|(_, revision)| *revision);
    let reached = app.commit(tx, audit).await?;
    Ok(at_revision(first.unwrap_or(reached), response))
}

async fn public<Req, H>(
    app: &Arc<App>,
    arrival: &Arrival,
    request: Request<Req>,
    handler: H,
) -> Result<Response<Req::Response>>
where
    Req: Rpc + Validate,
    H: for<'a> Handler<'a, Gate, Req, Req::Response>,
{
    let (metadata, _, message) = request.into_parts();
    validate(&message)?;
    let mut gate = Gate::open(app, arrival);
    gate.bearer = bearer(&metadata)?.map(str::to_owned);
    let response = handler.call(&mut gate, message).await?;
    let mut response = match gate.revision {
        Some(revision) => at_revision(revision, response),
        None => Response::new(response),
    };
    if let Some(value) = gate
        .max_age_s
        .and_then(|s| format!("public, max-age={s}").parse().ok())
    {
        response.metadata_mut().insert("cache-control", value);
    }
    Ok(response)
}

/// Proves who calls. Every face ends here, so there is one place that reads a credential.
///
/// # Errors
/// A 401 with its reason, or `UNAVAILABLE`.
pub async fn authenticate(
    gatekeeper: &Gatekeeper,
    metadata: &MetadataMap,
    want: Want,
) -> Result<Caller> {
    let token = bearer(metadata)?
        .ok_or_else(|| Error::new(ErrorReason::TokenMissing, "this call needs a token"))?;
    Ok(gatekeeper.authenticate(token, want).await?.into())
}

/// The bearer token of a call.
pub fn bearer(metadata: &MetadataMap) -> Result<Option<&str>> {
    bearer_in(metadata.as_ref())
}

/// The bearer token of a request (RFC 6750 §2.1). Two credentials are one too many: which of them
/// counts must never depend on who reads first.
pub fn bearer_in(headers: &HeaderMap) -> Result<Option<&str>> {
    let invalid = |message| Error::new(ErrorReason::TokenInvalid, message);
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(invalid("there must be one `Authorization` header only"));
    }
    let value = value
        .to_str()
        .map_err(|_| invalid("the `Authorization` header is malformed"))?;
    bearer_of(value).map(Some)
}

/// The token of an `Authorization` header (RFC 6750 §2.1).
///
/// # Errors
/// `TOKEN_INVALID` for another scheme.
pub fn bearer_of(value: &str) -> Result<&str> {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => {
            let message = "the `Authorization` header must be `Bearer` and a token";
            Err(Error::new(ErrorReason::TokenInvalid, message))
        }
    }
}

/// The least revision that the caller asks for.
///
/// # Errors
/// `INVALID_REQUEST` if it is no number.
pub fn min_revision(metadata: &MetadataMap) -> Result<Revision> {
    let Some(value) = metadata.get(MIN_REVISION) else {
        return Ok(0);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Error::invalid(MIN_REVISION, "a revision is a number"))
}

/// Checks the field rules of the contract.
///
/// # Errors
/// `INVALID_REQUEST` with every field at fault.
pub fn validate(message: &impl Validate) -> Result<(), Error> {
    let mut violations = Violations::default();
    message.validate(&mut violations);
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations.into())
    }
}

/// Decides the RPC's own rule, by the same core that answers products.
///
/// # Errors
/// `PERMISSION_MISSING`.
pub fn allow<Req: Rpc>(caller: &Caller) -> Result<()> {
    match Req::RULE.access {
        Access::Permission(permission) => {
            caller.require(permission.product, permission.resource, permission.action)
        }
        Access::Public | Access::Authenticated | Access::Custom(_) => Ok(()),
    }
}

async fn begin<Req: Rpc>(app: &Arc<App>, arrival: &Arrival, caller: Caller) -> Result<Cx> {
    let organization = if Req::RULE.installation {
        app.gatekeeper.snapshots.system()
    } else {
        caller.organization()
    };
    let tx = match Req::RULE.effect {
        Effect::Read => app.store.read(organization).await?,
        Effect::Write | Effect::Reveal => app.store.write(organization).await?,
    };
    let now = app.clock.now();
    let action = Req::RULE.audit.unwrap_or(Req::NAME);
    let audit = Audit::new(caller.actor(), action, now, arrival);
    Ok(Cx {
        app: Arc::clone(app),
        now,
        arrival: arrival.clone(),
        caller,
        tx,
        audit,
        once: None,
    })
}

/// An answer that says which revision it is based on.
pub fn at_revision<T>(revision: Revision, message: T) -> Response<T> {
    let mut response = Response::new(message);
    response.metadata_mut().insert(REVISION, revision.into());
    response
}

/// Counts the answer, or makes the error a status: once, for every RPC and every face.
///
/// # Errors
/// The status of the error.
pub fn answer<Req: Rpc>(
    arrival: &Arrival,
    result: Result<Response<Req::Response>>,
) -> Result<Response<Req::Response>, Status> {
    answer_of::<Req>(|| arrival.clone(), result)
}

/// As [`answer`], of a call whose way in is asked for only when it is refused.
///
/// # Errors
/// The status of the error.
pub fn answer_of<Req: Rpc>(
    arrival: impl FnOnce() -> Arrival,
    result: Result<Response<Req::Response>>,
) -> Result<Response<Req::Response>, Status> {
    match result {
        Ok(response) => {
            if let Some(counter) = ANSWERED.get(Req::NAME) {
                counter.increment(1);
            }
            Ok(response)
        }
        Err(error) => Err(refuse(Req::NAME, &arrival(), error)),
    }
}

/// Counts what was answered, by RPC. The counters are found once: looking one up takes longer than
/// some answers.
static ANSWERED: LazyLock<HashMap<&'static str, Counter>> = LazyLock::new(|| {
    let counted = RULES.iter().map(|rpc| {
        let labels = [("rpc", rpc.name), ("reason", "OK")];
        (
            rpc.name,
            metrics::counter!("gatepost_requests_total", &labels),
        )
    });
    counted.collect()
});

/// Makes an error a status, and tells the log of it once.
pub fn refuse(rpc: &'static str, arrival: &Arrival, error: Error) -> Status {
    tell(rpc, arrival, &error);
    let mut status = Status::from(error);
    if let Ok(value) = arrival.request_id.parse() {
        status.metadata_mut().insert(REQUEST_ID, value);
    }
    status
}

/// Counts an error, and tells the log of it.
pub fn tell(rpc: &'static str, arrival: &Arrival, error: &Error) {
    let reason = error.reason();
    metrics::counter!("gatepost_requests_total", "rpc" => rpc, "reason" => reason.name())
        .increment(1);
    let request_id = arrival.request_id.as_str();
    if error.cause().is_some() {
        tracing::error!(rpc, request_id, %error, "a call failed");
    } else {
        tracing::info!(
            rpc,
            request_id,
            reason = reason.name(),
            "a call was refused"
        );
    }
}

/// Wires the RPCs of a service, one line each: how it runs, its name, what goes in and comes out.
///
/// `run` is a signed-in caller's, `run_prepared` one with slow work before its transaction (its
/// module's `prepare`), `run_public` one without a credential, `run_whole` one that runs itself.
macro_rules! wire {
    ($service:ident for $type:ident {
        $($run:ident $name:ident($request:ident) -> $response:ident;)*
    }) => {
        #[tonic::async_trait]
        impl $service for $type {
            $(async fn $name(
                &self,
                request: tonic::Request<pb::$request>,
            ) -> Result<tonic::Response<pb::$response>, tonic::Status> {
                crate::run::wire!(@$run &self.0, request, $name)
            })*
        }
    };
    (@run_prepared $app:expr, $request:ident, $name:ident) => {
        crate::run::run_prepared($app, $request, $name::prepare, $name::$name).await
    };
    (@run_whole $app:expr, $request:ident, $name:ident) => {
        $name::$name($app, $request).await
    };
    (@$run:ident $app:expr, $request:ident, $name:ident) => {
        crate::run::$run($app, $request, $name::$name).await
    };
}
pub(crate) use wire;
