//! `ListSigningKeys`: the keys of the installation, without their private parts.

use gatepost_proto::identity::v1::{ListSigningKeysRequest, ListSigningKeysResponse};

use super::convert;
use crate::context::Cx;
use crate::error::Result;

/// Handles the RPC.
pub async fn list_signing_keys(
    cx: &mut Cx,
    _: ListSigningKeysRequest,
) -> Result<ListSigningKeysResponse> {
    let keys = cx.tx.keys().list().await?;
    Ok(ListSigningKeysResponse {
        items: convert::signing_keys(keys, &cx.app.rotation, cx.now),
    })
}
