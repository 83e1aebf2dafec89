//! `SetPreferredFactor`: which of one's own factors is offered first.

use gatepost_proto::ErrorReason;
use gatepost_proto::identity::v1::{SetPreferredFactorRequest, SetPreferredFactorResponse};

use super::own_factors::{oneself, require_recent};
use crate::context::Cx;
use crate::error::{Error, Result};
use crate::mfa::{Factors, method_of};

/// Handles the RPC.
pub async fn set_preferred_factor(
    cx: &mut Cx,
    request: SetPreferredFactorRequest,
) -> Result<SetPreferredFactorResponse> {
    let user = oneself(&cx.caller, &request.id)?;
    require_recent(&cx.app, &cx.caller, cx.now)?;
    let method = method_of(&request.mfa_type)?;
    let factors = Factors::of(&cx.tx, user).await?;
    if factors.active(method).is_none() {
        let message = "there is no such factor that was proved and counts";
        return Err(Error::new(ErrorReason::FactorUnavailable, message));
    }
    cx.tx.mfa().prefer(user, method, cx.now).await?;
    cx.audit.target("user", user);
    Ok(SetPreferredFactorResponse {
        preferred_type: method.name().to_owned(),
    })
}
