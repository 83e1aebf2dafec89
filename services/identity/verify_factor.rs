//! `VerifyFactor`: a factor that was set up is proved, and counts.

use std::sync::Arc;

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_proto::identity::v1::{VerifyFactorRequest, VerifyFactorResponse};
use gatepost_store::Passkey;
use tonic::{Request, Response, Status};

use super::own_factors::oneself;
use super::own_passkeys;
use crate::app::App;
use crate::attempts::Attempts;
use crate::context::{Arrival, Caller, Cx};
use crate::error::{Error, Result};
use crate::mfa::{Factors, Refused, Verdict, check_pending, method_of, wrong_code};
use crate::passkey;
use crate::run::run_prepared;

/// Characters of a passcode at the least.
const PASSCODE_CHARS_MIN: usize = 6;

/// What was proved, and is still to be done.
enum Proved {
    /// The pending factor of a method counts from now on.
    Pending(Method),
    /// A passkey was made, and is kept.
    Made(Box<Passkey>),
}

/// Runs the RPC; the log is told from where somebody tried with a wrong code.
///
/// # Errors
/// Whatever went wrong, as a status with its reason.
pub async fn verify_factor(
    app: &Arc<App>,
    request: Request<VerifyFactorRequest>,
) -> Result<Response<VerifyFactorResponse>, Status> {
    let arrival = Arrival::of(&request);
    let judge = |app, caller, message| prepare(app, caller, message, arrival);
    run_prepared(app, request, judge, activate).await
}

/// Counts the try and judges the passcode; what was counted stays counted.
async fn prepare(
    app: Arc<App>,
    caller: Caller,
    request: VerifyFactorRequest,
    arrival: Arrival,
) -> Result<(UserId, Proved)> {
    let user = oneself(&caller, &request.id)?;
    let method = method_of(&request.mfa_type)?;
    if method == Method::Passkey {
        let made = own_passkeys::finish(&app, &caller, (user, &request), &arrival).await?;
        return Ok((user, Proved::Made(Box::new(made))));
    }
    if request.passcode.len() < PASSCODE_CHARS_MIN {
        return Err(Error::invalid("passcode", "a passcode has six digits"));
    }
    let now = app.clock.now();
    let attempts = Attempts::begin_for_factor(&app, user, now).await?;
    let tx = app.store.write(caller.organization()).await?;
    let most = app.mfa.attempts;
    let may_try = tx.mfa().attempt_factor(user, method, most).await?;
    let factors = Factors::of(&tx, user).await?;
    let mut verdict = Verdict::Wrong;
    if let Some(factor) = factors.pending(method).filter(|_| may_try) {
        verdict = check_pending(&app, &tx, factor, &request.passcode, now).await?;
    }
    tx.finish().await?;
    if !matches!(verdict, Verdict::Right(_)) {
        attempts.failed(&app, now).await?;
        let refused = Refused {
            organization: caller.organization(),
            actor: caller.actor(),
            user,
            reason: verdict.reason(),
        };
        refused.tell(&app, now, &arrival).await?;
        return Err(wrong_code());
    }
    attempts.succeeded(&app).await?;
    Ok((user, Proved::Pending(method)))
}

async fn activate(cx: &mut Cx, (user, proved): (UserId, Proved)) -> Result<VerifyFactorResponse> {
    match proved {
        Proved::Pending(method) => {
            if !cx.tx.mfa().activate(user, method).await? {
                return Err(wrong_code());
            }
        }
        Proved::Made(made) => passkey::keep(&cx.tx, &made).await?,
    }
    cx.audit.target("user", user);
    Ok(VerifyFactorResponse { verified: true })
}
