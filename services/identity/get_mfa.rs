//! `GetMfa`: which second factors a user has.

use gatepost_core::mfa::Method;
use gatepost_proto::identity::v1::{GetMfaRequest, GetMfaResponse};

use super::find;
use crate::context::Cx;
use crate::error::Result;
use crate::mfa::Factors;

/// Handles the RPC.
pub async fn get_mfa(cx: &mut Cx, request: GetMfaRequest) -> Result<GetMfaResponse> {
    let caller = cx.caller.user();
    if caller.is_none_or(|user| user.to_string() != request.id) {
        cx.caller.require("gatepost", "user-mfa", "get")?;
    }
    let user = find::user(&cx.tx, &request.id).await?;
    let factors = Factors::of(&cx.tx, user.id).await?;
    let left = cx.tx.mfa().recovery_codes_left(user.id).await?;
    let methods = factors.methods();
    let has = |method| methods.contains(&method);
    Ok(GetMfaResponse {
        enabled: !methods.is_empty(),
        preferred_type: methods
            .first()
            .map(|method| method.name().to_owned())
            .unwrap_or_default(),
        totp_enabled: has(Method::App),
        email_enabled: has(Method::Email),
        sms_enabled: has(Method::Sms),
        methods: methods.iter().map(|one| one.name().to_owned()).collect(),
        recovery_codes_left: i32::try_from(left).unwrap_or(i32::MAX),
        passkey_enabled: has(Method::Passkey),
        policy: factors.policy.mode.name().to_owned(),
    })
}
