//! Housekeeping: rows that nobody can need any more go away.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::app::App;
use crate::error::Result;

/// How often. Every replica does it; doing it twice does no harm.
const PERIOD: Duration = Duration::from_mins(30);
/// How long failed sign-ins are kept after the last one.
const FAILURES_KEPT: Duration = Duration::from_hours(24);

/// Prunes until the task is dropped: expired sessions, refresh tokens, idempotency keys and
/// failures.
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
    let organizations = app
        .store
        .read(app.gatekeeper.snapshots.system())
        .await?
        .organizations()
        .ids()
        .await?;
    for organization in organizations {
        app.store.prune(organization, now).await?;
    }
    app.store.prune_failures(now - FAILURES_KEPT).await?;
    Ok(())
}
