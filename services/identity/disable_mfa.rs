//! `DisableMfa`: one's own second factors go, with a proof.

use std::sync::Arc;

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_proto::identity::v1::{DisableMfaRequest, DisableMfaResponse};
use tonic::{Request, Response, Status};

use super::own_factors::{oneself, require_recent};
use crate::app::App;
use crate::context::{Arrival, Caller, Cx};
use crate::error::Result;
use crate::mfa::{Factors, Presented, Refused, Verdict, method_of, prove, wrong_code};
use crate::run::run_prepared;

/// Runs the RPC; the log is told from where somebody tried who had no proof.
///
/// # Errors
/// Whatever went wrong, as a status with its reason.
pub async fn disable_mfa(
    app: &Arc<App>,
    request: Request<DisableMfaRequest>,
) -> Result<Response<DisableMfaResponse>, Status> {
    let arrival = Arrival::of(&request);
    let judge = |app, caller, message| prepare(app, caller, message, arrival);
    run_prepared(app, request, judge, remove).await
}

/// Judges the proof, which is used up whatever comes of it.
async fn prepare(
    app: Arc<App>,
    caller: Caller,
    request: DisableMfaRequest,
    arrival: Arrival,
) -> Result<(UserId, Option<Method>)> {
    let user = oneself(&caller, &request.id)?;
    require_recent(&app, &caller, app.clock.now())?;
    let method = match request.mfa_type.as_str() {
        "" => None,
        name => Some(method_of(name)?),
    };
    let tx = app.store.read(caller.organization()).await?;
    Factors::of(&tx, user).await?.require_rest(method)?;
    drop(tx);
    let presented = Presented {
        method: None,
        passcode: &request.passcode,
        recovery_code: &request.recovery_code,
        passkey: None,
    };
    let (organization, now) = (caller.organization(), app.clock.now());
    let verdict = prove(&app, organization, user, presented, now).await?;
    if matches!(verdict, Verdict::Right(_)) {
        return Ok((user, method));
    }
    let refused = Refused {
        organization,
        actor: caller.actor(),
        user,
        reason: verdict.reason(),
    };
    refused.tell(&app, now, &arrival).await?;
    Err(wrong_code())
}

async fn remove(
    cx: &mut Cx,
    (user, method): (UserId, Option<Method>),
) -> Result<DisableMfaResponse> {
    Factors::of(&cx.tx, user).await?.require_rest(method)?;
    cx.tx.mfa().remove_factors(user, method).await?;
    let left = Factors::of(&cx.tx, user).await?;
    if !left.has_any() {
        // Nothing of it is to come back with the next factor.
        cx.tx.mfa().forget(user).await?;
    }
    cx.audit.target("user", user);
    Ok(DisableMfaResponse {
        enabled: !left.methods().is_empty(),
    })
}
