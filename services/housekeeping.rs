//! Housekeeping: rows that nobody can need any more go away, and signing keys follow each other.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::OrganizationId;
use time::OffsetDateTime;
use tokio::time::sleep;

use crate::app::App;
use crate::bootstrap::operator;
use crate::context::{Arrival, Audit};
use crate::error::Result;
use crate::token;

/// How often. Every replica does it; doing it twice does no harm.
const PERIOD: Duration = Duration::from_mins(30);
/// How long failed sign-ins are kept after the last one.
const FAILURES_KEPT: Duration = Duration::from_hours(24);

/// How long a grant that has expired is kept, for whoever asks why somebody may do something no
/// longer.
const EXPIRED_GRANTS_KEPT: Duration = Duration::from_hours(30 * 24);
/// How many of them one transaction removes.
const EXPIRED_GRANTS_MAX: u32 = 100;

/// Prunes until the task is dropped: expired sessions, refresh tokens, idempotency keys, grants
/// and failures. Signing keys come first: a server that is started often must not forget them.
pub async fn keep_house(app: Arc<App>) {
    loop {
        if let Err(error) = turn_keys(&app).await {
            tracing::warn!(%error, "signing keys must wait; the next round tries again");
        }
        sleep(PERIOD).await;
        if let Err(error) = prune(&app).await {
            tracing::warn!(%error, "old rows could not be removed; the next round tries again");
        }
    }
}

/// Makes the keys that are due, and removes those whose last token has expired. Every replica
/// looks; the one that gets the lock first does it, and the others find it done.
async fn turn_keys(app: &Arc<App>) -> Result<()> {
    let system = app.gatekeeper.snapshots.system();
    let theirs_us = app.store.feed().heads(&[system]).await?.time_us;
    if !app.gatekeeper.snapshots.agrees_with(theirs_us) {
        // The whole installation would feel it.
        tracing::error!("signing keys are left alone: this machine's clock is not the database's");
        return Ok(());
    }
    let now = app.clock.now();
    let tx = app.store.read(system).await?;
    let keys = tx.keys().list().await?;
    drop(tx);
    let due = app.rotation.due(&keys, now);
    if !due.is_empty() {
        let mut made = token::make_aside(app, due).await?;
        let tx = app.store.write(system).await?;
        let now = app.clock.now();
        let due = app.rotation.due(&tx.keys().list().await?, now);
        made.retain(|key| due.contains(&key.algorithm));
        app.rotation.join(&tx, made, now).await?;
        let audit = Audit::new(operator(), "signing_key.rotate", now, &Arrival::inside());
        app.commit(tx, audit).await?;
    }
    if keys.iter().any(|key| app.rotation.is_spent(key, now)) {
        let tx = app.store.write(system).await?;
        let mut spent = tx.keys().list().await?;
        spent.retain(|key| app.rotation.is_spent(key, now));
        for key in spent {
            tx.keys().delete(&key.kid).await?;
        }
        let audit = Audit::new(operator(), "signing_key.remove", now, &Arrival::inside());
        app.commit(tx, audit).await?;
    }
    Ok(())
}

async fn prune(app: &App) -> Result<()> {
    let now = app.clock.now();
    for organization in app.organizations().await? {
        app.store.prune(organization, now).await?;
        remove_expired_grants(app, organization, now).await?;
    }
    app.store.prune_marks(now).await?;
    app.store.prune_failures(now - FAILURES_KEPT).await?;
    Ok(())
}

/// No decision changes by it; but it is a change of facts, so it has a revision and a record.
async fn remove_expired_grants(
    app: &App,
    organization: OrganizationId,
    now: OffsetDateTime,
) -> Result<()> {
    let before_s = (now - EXPIRED_GRANTS_KEPT).unix_timestamp();
    loop {
        let tx = app.store.write(organization).await?;
        let grants = tx.grants();
        let removed = grants.remove_expired(before_s, EXPIRED_GRANTS_MAX).await?;
        let audit = Audit::new(operator(), "grant.expire", now, &Arrival::inside());
        app.commit(tx, audit).await?;
        if u32::try_from(removed).is_ok_and(|removed| removed < EXPIRED_GRANTS_MAX) {
            return Ok(());
        }
    }
}
