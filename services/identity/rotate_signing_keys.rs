//! `RotateSigningKeys`: the next keys, in their time or at once.

use std::sync::Arc;

use gatepost_core::Algorithm;
use gatepost_proto::identity::v1::{
    ListSigningKeysResponse, RotateSigningKeysRequest, RotateSigningKeysResponse,
};
use gatepost_store::SigningKey;

use super::convert;
use crate::app::App;
use crate::context::{Caller, Cx};
use crate::error::Result;
use crate::token::{Rotation, make_aside};

/// Makes the keys before the system organization is locked.
pub async fn prepare(
    app: Arc<App>,
    _: Caller,
    request: RotateSigningKeysRequest,
) -> Result<(RotateSigningKeysRequest, Vec<SigningKey>)> {
    let made = make_aside(&app, Algorithm::ALL.to_vec()).await?;
    Ok((request, made))
}

/// Handles the RPC.
pub async fn rotate_signing_keys(
    cx: &mut Cx,
    (request, made): (RotateSigningKeysRequest, Vec<SigningKey>),
) -> Result<RotateSigningKeysResponse> {
    let rotation = cx.app.rotation;
    let before = cx.tx.keys().list().await?;
    if request.immediately {
        Rotation::replace(&cx.tx, &made).await?;
    } else {
        rotation.join(&cx.tx, made, cx.now).await?;
    }
    let after = cx.tx.keys().list().await?;
    let shown = |keys| convert::signing_keys(keys, &rotation, cx.now);
    let response = RotateSigningKeysResponse {
        items: shown(after),
    };
    let before = ListSigningKeysResponse {
        items: shown(before),
    };
    cx.audit.before(&before).after(&response);
    Ok(response)
}
