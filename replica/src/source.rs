//! Where a replica's knowledge comes from: the database, or a server that is nearer to it.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use gatepost_core::feed::{Facts, Head, Heads, Hint, Steps};
use gatepost_core::{Fact, OrganizationId, Revision};
use time::OffsetDateTime;

use crate::error::Result;

/// What is so, a part at a time; an error ends them.
pub type FactParts<'a> = BoxStream<'a, Result<Vec<Fact>>>;

/// Hints from the moment of subscribing on; they may all be lost.
pub type Hints = BoxStream<'static, Hint>;

/// Where organizations stand and what is so in them.
///
/// No decision waits for it: it is asked by the follower, and when an organization is used for the
/// first time.
#[tonic::async_trait]
pub trait Source: Send + Sync + 'static {
    /// Where these organizations stand. One that is not in the answer is gone. A source that
    /// answers from what it knows already does so only if that is no older than `age_max`.
    async fn heads(&self, organizations: &[OrganizationId], age_max: Duration) -> Result<Heads>;

    /// Everything that is so in an organization, without ended sessions that mean nothing any more
    /// at `now`. `None` when there is no such organization.
    async fn facts(
        &self,
        organization: OrganizationId,
        now: OffsetDateTime,
    ) -> Result<Option<Facts<FactParts<'_>>>>;

    /// What each revision after that of `from`, up to and with `up_to`, changed. `None` when one of
    /// them is not there, or when `from` is of another epoch: load the facts then.
    async fn changes(&self, from: Head, up_to: Revision) -> Result<Option<Steps>>;

    /// Leaves all connections behind and makes new ones when they are needed: called when nothing
    /// has been answered for a while, because the other end may have vanished without a word.
    async fn leave_connections(&self);

    /// Hints from now on.
    fn hints(self: Arc<Self>) -> Hints;
}
