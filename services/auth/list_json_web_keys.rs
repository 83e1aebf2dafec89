//! `ListJsonWebKeys`: the public keys, for those who verify tokens themselves.

use gatepost_proto::auth::v1::{JsonWebKey, ListJsonWebKeysRequest, ListJsonWebKeysResponse};
use gatepost_replica::Want;

use crate::context::Gate;
use crate::error::{Error, Result};
use crate::token::PUBLIC_KEYS_KEPT_S;

/// Handles the RPC.
pub async fn list_json_web_keys(
    gate: &mut Gate,
    _: ListJsonWebKeysRequest,
) -> Result<ListJsonWebKeysResponse> {
    let snapshots = &gate.app.gatekeeper.snapshots;
    let present = snapshots.get(snapshots.system(), Want::default()).await?;
    let mut keys = present
        .system
        .signing_keys()
        .map(|(_, key)| serde_json::from_str(&key.jwk).map_err(Error::internal))
        .collect::<Result<Vec<JsonWebKey>>>()?;
    keys.sort_by(|left, right| right.kid.cmp(&left.kid));
    gate.revision = Some(present.system.revision());
    gate.max_age_s = Some(PUBLIC_KEYS_KEPT_S);
    Ok(ListJsonWebKeysResponse { keys })
}
