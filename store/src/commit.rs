//! The end of a write: audit record, feed rows and head, in the transaction of the change itself.

use gatepost_core::{Change, OrganizationId, Revision};
use serde_json::Value;

use crate::audit::{self, AuditDraft};
use crate::dialect;
use crate::error::{Result, StoreError};
use crate::scope::{HeadRow, Pending, Scope};

/// Writes the next revision of the scope's organization, and of each other one whose facts it
/// changed; answers both. Does not commit.
pub(crate) async fn seal(
    scope: &Scope,
    draft: &AuditDraft,
) -> Result<(Revision, Vec<(OrganizationId, Revision)>)> {
    let Pending {
        changes, elsewhere, ..
    } = std::mem::take(&mut *scope.pending());
    let own = scope.organization();
    let revision = write(scope, own, scope.head(), draft, &changes).await?;
    let mut beside = Vec::new();
    let mut others: Vec<OrganizationId> = elsewhere.iter().map(|(other, _)| *other).collect();
    // One order for everybody who locks several heads.
    others.sort_unstable();
    others.dedup();
    for other in others {
        let changes: Vec<Change> = elsewhere
            .iter()
            .filter(|(organization, _)| *organization == other)
            // What is no fact may differ alone: the record tells of it, the feed does not.
            .filter(|(_, change)| change.before != change.after)
            .map(|(_, change)| change.clone())
            .collect();
        let row =
            dialect::enter(scope.database(), other, true)
                .await?
                .ok_or(StoreError::NotFound {
                    noun: "organization",
                })?;
        let revision = write(scope, other, &HeadRow::read(&row)?, draft, &changes).await?;
        beside.push((other, revision));
    }
    Ok((revision, beside))
}

async fn write(
    scope: &Scope,
    organization: OrganizationId,
    head: &HeadRow,
    draft: &AuditDraft,
    changes: &[Change],
) -> Result<Revision> {
    let (before, after) = match (&draft.before, &draft.after) {
        (None, None) => (
            side(changes.iter().filter_map(|change| change.before.as_ref())),
            side(changes.iter().filter_map(|change| change.after.as_ref())),
        ),
        (before, after) => (before.clone(), after.clone()),
    };
    let event = audit::next_event(organization, head, draft, before.as_ref(), after.as_ref())?;
    let revision = event.revision;
    let feed = if changes.is_empty() {
        // The feed shows every revision, also one without facts: a missing one is a gap.
        "[{}]".to_owned()
    } else {
        serde_json::to_string(changes).map_err(|error| StoreError::Internal(Box::new(error)))?
    };
    dialect::write_revision(scope.database(), event, feed).await?;
    Ok(u64::try_from(revision).unwrap_or(0))
}

/// One side of the changes as a JSON value: nothing, the fact, or a list of facts.
fn side<'a>(facts: impl Iterator<Item = &'a gatepost_core::Fact>) -> Option<Value> {
    let mut facts: Vec<Value> = facts
        .filter_map(|fact| serde_json::to_value(fact).ok())
        .collect();
    match facts.len() {
        0 => None,
        1 => facts.pop(),
        _ => Some(Value::Array(facts)),
    }
}
