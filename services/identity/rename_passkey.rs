//! `RenamePasskey`: one's own passkey gets another name.

use gatepost_proto::identity::v1::{RenamePasskeyRequest, RenamePasskeyResponse};
use uuid::Uuid;

use super::own_factors::{oneself, require_recent};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::passkey::name_of;

/// Handles the RPC.
pub async fn rename_passkey(
    cx: &mut Cx,
    request: RenamePasskeyRequest,
) -> Result<RenamePasskeyResponse> {
    let user = oneself(&cx.caller, &request.id)?;
    require_recent(&cx.app, &cx.caller, cx.now)?;
    let name = name_of(&request.name)?;
    let none = || Error::not_found("passkey");
    let id: Uuid = request.passkey_id.parse().map_err(|_| none())?;
    if !cx.tx.mfa().rename_passkey(user, id, &name).await? {
        return Err(none());
    }
    cx.audit.target("passkey", id);
    Ok(RenamePasskeyResponse {})
}
