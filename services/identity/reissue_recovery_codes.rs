//! `ReissueRecoveryCodes`: new recovery codes of one's own; the old ones are worth nothing.

use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{ReissueRecoveryCodesRequest, ReissueRecoveryCodesResponse};

use super::own_factors::{oneself, require_recent, require_two_factors};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::mfa::{Factors, new_recovery_codes};

/// Handles the RPC.
pub async fn reissue_recovery_codes(
    cx: &mut Cx,
    request: ReissueRecoveryCodesRequest,
) -> Result<ReissueRecoveryCodesResponse> {
    let user = oneself(&cx.caller, &request.id)?;
    require_recent(&cx.app, &cx.caller, cx.now)?;
    let factors = Factors::of(&cx.tx, user).await?;
    if !factors.has_any() {
        let message = "there is no second factor to recover";
        return Err(Error::new(ErrorReason::FactorUnavailable, message));
    }
    require_two_factors(&cx.caller, &factors)?;
    let (recovery_codes, hashes) = new_recovery_codes(&cx.app.sealer, user)?;
    cx.tx.mfa().set_recovery_codes(user, &hashes).await?;
    cx.audit.target("user", user);
    Ok(ReissueRecoveryCodesResponse { recovery_codes })
}
