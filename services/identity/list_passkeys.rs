//! `ListPasskeys`: which passkeys a user has.

use gatepost_proto::identity::v1::{ListPasskeysRequest, ListPasskeysResponse};

use super::{convert, find};
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_passkeys(
    cx: &mut Cx,
    request: ListPasskeysRequest,
) -> Result<ListPasskeysResponse> {
    let caller = cx.caller.user();
    if caller.is_none_or(|user| user.to_string() != request.id) {
        cx.caller.require("gatepost", "user-mfa", "get")?;
    }
    let user = find::user(&cx.tx, &request.id).await?;
    let passkeys = cx.tx.mfa().passkeys(user.id).await?;
    let items = passkeys.into_iter().map(convert::passkey).collect();
    Ok(ListPasskeysResponse { items })
}
