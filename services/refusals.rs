//! Refusals that the audit log tells of: whoever guesses, or tries too often.
//!
//! One record a minute of each caller and what is called, and so many of an organization: nobody
//! fills the log by knocking. What is left out is counted with all other answers.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::OrganizationId;
use gatepost_proto::ErrorReason;

use crate::app::App;
use crate::attempts::place_of;
use crate::context::{Arrival, Audit, nobody};
use crate::error::{Error, Result};

/// What is told.
const TOLD: [ErrorReason; 5] = [
    ErrorReason::ClientInvalid,
    ErrorReason::CodeInvalid,
    ErrorReason::CredentialsInvalid,
    ErrorReason::StrongerSignInNeeded,
    ErrorReason::TooManyAttempts,
];
/// In what time there is one record.
const WINDOW: Duration = Duration::from_mins(1);
/// Records of one organization in that time.
const RECORDS_MAX: u64 = 30;
/// What marks are hashed for.
const PURPOSE: &str = "refusal that was told";

/// Tells the audit log of a refusal, if it is one of those that it tells of. `face` is what was
/// called; `place` is whose it is, where the error does not say better. That the log cannot be
/// written changes no answer.
pub async fn audit(
    app: &Arc<App>,
    arrival: &Arrival,
    face: &str,
    place: Option<OrganizationId>,
    error: &Error,
) {
    if !TOLD.contains(&error.reason()) {
        return;
    }
    // Boxed: few calls are refused, and all of them carry what follows.
    let recorded = Box::pin(record(app, arrival, face, place, error)).await;
    if let Err(failure) = recorded {
        let request_id = arrival.request_id.as_str();
        tracing::warn!(request_id, error = %failure, "a refusal is not in the audit log");
    }
}

async fn record(
    app: &Arc<App>,
    arrival: &Arrival,
    face: &str,
    place: Option<OrganizationId>,
    error: &Error,
) -> Result<()> {
    let reason = error.reason().name();
    let known = error.concerned();
    let organization = known.map(|concerned| concerned.organization).or(place);
    let organization = organization.unwrap_or(app.default_organization);
    let user = known.and_then(|concerned| concerned.user);
    let whose = user.map(|user| user.to_string()).unwrap_or_default();
    let address = place_of(arrival.address);
    let caller = format!("{organization} {face} {reason} {address} {whose}");
    if !is_first(app, organization, &caller).await? {
        return Ok(());
    }
    let tx = app.store.write(organization).await?;
    let mut audit = Audit::new(nobody(), "attempt.refuse", app.clock.now(), arrival);
    match user {
        Some(user) => audit.target("user", user),
        None => audit.target("call", face),
    };
    audit.refused(reason);
    tx.touch();
    app.commit(tx, audit).await?;
    Ok(())
}

/// Whether it is the first in its minute, and few others were. Where the counters do not answer, a
/// mark says it: slower, and surer.
async fn is_first(app: &App, organization: OrganizationId, caller: &str) -> Result<bool> {
    let now = app.clock.now();
    let key = format!(
        "refused:{}",
        crate::hexadecimal::hexadecimal(&hash(app, caller))
    );
    let Ok(count) = app.cache.count(&key, WINDOW, now).await else {
        let minute = now.unix_timestamp().div_euclid(60);
        let mark = hash(app, &format!("{minute} {caller}"));
        return Ok(app.store.marks().set(&mark, now + WINDOW).await?);
    };
    if count > 1 {
        return Ok(false);
    }
    let key = format!("refusals:{organization}");
    let records = app.cache.count(&key, WINDOW, now).await;
    Ok(records.is_ok_and(|records| records <= RECORDS_MAX))
}

fn hash(app: &App, text: &str) -> Vec<u8> {
    app.sealer.hash(PURPOSE, text)
}
