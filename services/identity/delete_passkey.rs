//! `DeletePasskey`: one's own passkey goes.

use gatepost_proto::identity::v1::{DeletePasskeyRequest, DeletePasskeyResponse};
use uuid::Uuid;

use super::own_factors::{oneself, require_recent, require_two_factors};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::mfa::Factors;
use crate::passkey::remove;

/// Handles the RPC.
pub async fn delete_passkey(
    cx: &mut Cx,
    request: DeletePasskeyRequest,
) -> Result<DeletePasskeyResponse> {
    let user = oneself(&cx.caller, &request.id)?;
    require_recent(&cx.app, &cx.caller, cx.now)?;
    require_two_factors(&cx.caller, &Factors::of(&cx.tx, user).await?)?;
    let id: Result<Uuid, _> = request.passkey_id.parse();
    let id = id.map_err(|_| Error::not_found("passkey"))?;
    remove(&cx.tx, user, id).await?;
    cx.audit.target("passkey", id);
    Ok(DeletePasskeyResponse {})
}
