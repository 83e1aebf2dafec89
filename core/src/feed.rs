//! What travels from where an organization is remembered to where decisions are made.

mod narrow;

pub use narrow::{Narrow, Reach, narrowed_epoch};

use crate::fact::Change;
use crate::id::{OrganizationId, Revision};

/// Where an organization stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which organization.
    pub organization: OrganizationId,
    /// Its revision.
    pub revision: Revision,
    /// Changes when revisions were counted anew: then what is known of it is worth nothing.
    pub epoch: u64,
}

/// Where organizations stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    /// One for each organization that there is; not in the order of the question.
    pub heads: Vec<Head>,
    /// The time at that moment on the clock of who answered, in unix microseconds.
    pub time_us: i64,
    /// How old this was when it was asked for, in microseconds: of who answers from snapshots, the
    /// age of those; zero of the database.
    pub age_us: u64,
}

/// An organization at one revision. It may have ten million facts, so they come in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<Parts> {
    /// The revision.
    pub revision: Revision,
    /// See [`Head::epoch`].
    pub epoch: u64,
    /// See [`Heads::age_us`].
    pub age_us: u64,
    /// Everything that is so, in no order.
    pub parts: Parts,
}

/// What each of some revisions changed, in their order and without a gap.
pub type Steps = Vec<(Revision, Vec<Change>)>;

/// Where to look for something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// At this organization.
    Organization(OrganizationId),
    /// Everywhere: hints were lost, or the connection is new.
    Everything,
}
