//! Idempotency keys: a creation that is sent twice happens once.

use gatepost_proto::ErrorReason;
use gatepost_proto::redact::Redact;
use gatepost_proto::rpc::Rpc;
use gatepost_store::IdempotencyRecord;
use prost::Message;
use tonic::metadata::MetadataMap;

use crate::app::App;
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::run::Handler;
use crate::seal::REQUEST;

/// The key, in request metadata.
const IDEMPOTENCY_KEY: &str = "gatepost-idempotency-key";
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// A creation that must happen once, however often it is sent.
pub struct Once {
    rpc: &'static str,
    key: String,
    request_hash: Vec<u8>,
}

impl Once {
    /// Only creations take an idempotency key: every other write may be repeated as it is.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a key that is too long.
    pub fn read<Req: Rpc>(
        app: &App,
        metadata: &MetadataMap,
        caller: &Caller,
        message: &Req,
    ) -> Result<Option<Self>> {
        let method = Req::NAME.rsplit('/').next().unwrap_or_default();
        let Some(value) = metadata.get(IDEMPOTENCY_KEY) else {
            return Ok(None);
        };
        if !method.starts_with("Create") {
            return Ok(None);
        }
        let key = value.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
            let message = "an idempotency key is 1 to 128 visible characters";
            return Err(Error::invalid("Idempotency-Key", message));
        }
        Ok(Some(Self {
            rpc: Req::NAME,
            // Two callers that pick the same key must not see each other's answers.
            key: format!("{}:{key}", caller.token.claims.sub),
            // Keyed: the request may hold a password, of which no fast hash may lie around.
            request_hash: app.sealer.hash(REQUEST, message.encode_to_vec()),
        }))
    }

    /// What the first call answered, less its secrets.
    async fn answered<R: Message + Default>(&self, cx: &Cx) -> Result<Option<R>> {
        let Some(record) = cx.tx.idempotency().get(&self.key).await? else {
            return Ok(None);
        };
        if record.is_over(cx.now) {
            return Ok(None);
        }
        if record.rpc != self.rpc || record.request_hash != self.request_hash {
            let message = "this idempotency key was used for another request";
            return Err(Error::new(ErrorReason::IdempotencyKeyReused, message));
        }
        R::decode(record.response.as_slice())
            .map(Some)
            .map_err(Error::internal)
    }

    async fn keep<R: Message + Redact + Clone>(&self, cx: &Cx, response: &R) -> Result<()> {
        let mut kept = response.clone();
        kept.redact();
        let record = IdempotencyRecord {
            key: self.key.clone(),
            rpc: self.rpc.to_owned(),
            request_hash: self.request_hash.clone(),
            response: kept.encode_to_vec(),
            created_at: cx.now,
        };
        Ok(cx.tx.idempotency().put(&record).await?)
    }
}

/// Calls the handler, unless an earlier call with the same idempotency key was answered.
///
/// # Errors
/// `IDEMPOTENCY_KEY_REUSED`, and what the handler answers.
pub async fn answer<In, Out, H>(
    once: Option<Once>,
    cx: &mut Cx,
    input: In,
    handler: H,
) -> Result<Out>
where
    Out: Message + Default + Clone + Redact,
    H: for<'a> Handler<'a, Cx, In, Out>,
{
    let Some(once) = once else {
        return handler.call(cx, input).await;
    };
    if let Some(response) = once.answered(cx).await? {
        return Ok(response);
    }
    cx.once = Some(once);
    let response = handler.call(cx, input).await?;
    keep(cx, &response).await?;
    Ok(response)
}

/// Keeps the answer, once. A handler that goes on in another organization calls this before: the
/// answer must be found where the next such request looks for it.
///
/// # Errors
/// What the store answers.
pub async fn keep<R>(cx: &mut Cx, response: &R) -> Result<()>
where
    R: Message + Clone + Redact,
{
    match cx.once.take() {
        Some(once) => once.keep(cx, response).await,
        None => Ok(()),
    }
}
