//! `SetUpFactor`: a second factor of one's own, that waits to be proved.

use std::sync::Arc;

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_proto::identity::v1::{SetUpFactorRequest, SetUpFactorResponse};

use super::own_factors::{oneself, require_recent, require_two_factors};
use super::own_passkeys;
use crate::app::App;
use crate::context::{Caller, Cx};
use crate::error::{Error, Result};
use crate::mfa::{Factors, Wish, method_of, set_up};

/// Keeps the factor, and sends its code, before the transaction of the record begins: nothing is
/// sent while an organization is locked.
pub async fn prepare(
    app: Arc<App>,
    caller: Caller,
    request: SetUpFactorRequest,
) -> Result<(UserId, SetUpFactorResponse)> {
    let id = oneself(&caller, &request.id)?;
    require_recent(&app, &caller, app.clock.now())?;
    let tx = app.store.write(caller.organization()).await?;
    let user = tx.users().get(id).await?;
    let user = user.ok_or_else(|| Error::not_found("user"))?;
    let factors = Factors::of(&tx, id).await?;
    require_two_factors(&caller, &factors)?;
    let method = method_of(&request.mfa_type)?;
    let told = if method == Method::Passkey {
        own_passkeys::begin(&app, &caller, tx, &user, &factors).await?
    } else {
        let wish = Wish {
            method,
            phone: &request.phone,
            application: None,
        };
        set_up(&app, tx, &user, wish, app.clock.now()).await?
    };
    let response = SetUpFactorResponse {
        secret: told.secret,
        url: told.url,
        recovery_codes: told.recovery_codes,
        mfa_type: request.mfa_type,
        enabled: told.enabled,
        ceremony: told.ceremony,
        options: told.options,
    };
    Ok((id, response))
}

/// Handles the RPC.
pub async fn set_up_factor(
    cx: &mut Cx,
    (user, response): (UserId, SetUpFactorResponse),
) -> Result<SetUpFactorResponse> {
    cx.audit.target("user", user);
    cx.tx.touch();
    Ok(response)
}
