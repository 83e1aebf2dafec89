//! What a decision is made from, and how fresh that is.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::{Revision, Snapshot, View};
use time::OffsetDateTime;

/// How fresh the snapshots of a decision must be. The default is the fastest: any that is within
/// the staleness bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// The least revision of the organization.
    pub least: Revision,
    /// Whether everything must be known that was committed before the question arrived. That costs
    /// a question to the source, which all who want it at the time share.
    pub fully_fresh: bool,
}

impl Want {
    /// Within the bound, and of this revision at the least.
    pub fn at_least(least: Revision) -> Self {
        Self {
            least,
            fully_fresh: false,
        }
    }

    /// The same, and of this revision at the least.
    #[must_use]
    pub fn and_at_least(self, least: Revision) -> Self {
        Self {
            least: self.least.max(least),
            ..self
        }
    }

    /// The same, and with everything that was committed before the question arrived.
    #[must_use]
    pub fn and_fully_fresh(self) -> Self {
        Self {
            fully_fresh: true,
            ..self
        }
    }
}

/// How fresh the snapshots of a decision were when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Time since the moment before which every committed revision is known.
    pub age: Duration,
    /// How long the organization's last change took from the question that found it to the moment
    /// at which decisions were made from it. Zero before the first.
    pub lag: Duration,
    /// What the age can never exceed.
    pub bound: Duration,
}

/// The two snapshots that a decision needs, proven fresh, and the moment they are read at.
#[derive(Clone, Debug)]
pub struct Present {
    /// What belongs to the installation.
    pub system: Arc<Snapshot>,
    /// The caller's organization.
    pub organization: Arc<Snapshot>,
    /// Whether this installation serves one organization only.
    pub single_tenant: bool,
    /// See [`gatepost_core::feed::Head::epoch`], of the organization.
    pub epoch: u64,
    /// The products that can be asked about, if not all: slugs and aliases, as they were named.
    pub products: Option<Arc<[String]>>,
    /// How fresh they are.
    pub freshness: Freshness,
    /// The time of day of the question.
    pub now: OffsetDateTime,
}

impl Present {
    /// What core decides from.
    pub fn view(&self) -> View<'_> {
        View {
            system: &self.system,
            organization: &self.organization,
            single_tenant: self.single_tenant,
            now_s: self.now.unix_timestamp(),
        }
    }

    /// The revision of the organization.
    pub fn revision(&self) -> Revision {
        self.organization.revision()
    }
}
