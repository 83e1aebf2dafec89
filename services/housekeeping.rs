//! Housekeeping: rows that nobody can need any more go away.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::OrganizationId;
use time::OffsetDateTime;
use tokio::time::sleep;

use crate::app::App;
use crate::bootstrap::operator;
use crate::context::{Arrival, Audit};
use crate::error::Result;

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
/// and failures.
pub async fn keep_house(app: Arc<App>) {
    loop {
        sleep(PERIOD).await;
        if let Err(error) = prune(&app).await {
            tracing::warn!(%error, "old rows could not be removed; the next round tries again");
        }
    }
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
