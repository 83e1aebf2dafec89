//! A passkey is one more factor that is set up and proved: what is different of it.

use std::sync::Arc;

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_proto::identity::v1::VerifyFactorRequest;
use gatepost_store::{Passkey, Scope, User};

use crate::app::App;
use crate::context::{Arrival, Caller};
use crate::error::{Error, Result};
use crate::mfa::{Factors, Refused, SetUp, first_recovery_codes};
use crate::passkey::{
    Bound, Refusal, Registration, Shown, begin_registration, finish_registration, invalid, take,
};

/// Begins to make a passkey; the transaction ends here.
///
/// # Errors
/// `PASSKEYS_UNAVAILABLE`, `FACTOR_UNAVAILABLE`, `LIMIT_REACHED`; what the store answers.
pub async fn begin(
    app: &App,
    caller: &Caller,
    tx: Scope,
    user: &User,
    factors: &Factors,
) -> Result<SetUp> {
    let organization = tx.organizations().own().await?;
    let bound = Bound::Registration(user.id, caller.session());
    let whose = (&organization, user);
    let now = app.clock.now();
    let begun = begin_registration(app, &tx, whose, factors, bound, now).await?;
    let recovery_codes = first_recovery_codes(app, &tx, user.id, factors).await?;
    tx.finish().await?;
    Ok(SetUp {
        recovery_codes,
        enabled: factors.active(Method::Passkey).is_some(),
        ceremony: begun.ceremony,
        options: begun.options,
        ..SetUp::default()
    })
}

/// Looks at what the browser made of it; the log is told of what is not good.
///
/// # Errors
/// `PASSKEY_INVALID`, `PASSKEYS_UNAVAILABLE`, `INVALID_REQUEST`; what the store answers.
pub async fn finish(
    app: &Arc<App>,
    caller: &Caller,
    (user, request): (UserId, &VerifyFactorRequest),
    arrival: &Arrival,
) -> Result<Passkey> {
    let now = app.clock.now();
    app.relying_party()?;
    let bound = Bound::Registration(user, caller.session());
    let shown = Shown {
        ceremony: &request.ceremony,
        credential: &request.credential,
    };
    let tx = app.store.read(caller.organization()).await?;
    let person = tx.users().get(user).await?;
    let person = person.ok_or_else(|| Error::not_found("user"))?;
    drop(tx);
    let made = match take::<Registration>(app, bound, shown.ceremony, now).await? {
        Ok(state) => finish_registration(app, &person, &state, (shown, &request.name), now)?,
        Err(refusal) => Err(refusal),
    };
    let refusal: Refusal = match made {
        Ok(passkey) => return Ok(passkey),
        Err(refusal) => refusal,
    };
    let refused = Refused {
        organization: caller.organization(),
        actor: caller.actor(),
        user,
        reason: refusal.reason(),
    };
    refused.tell(app, now, arrival).await?;
    Err(invalid())
}
