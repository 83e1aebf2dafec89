//! A snapshot out of facts that do not come all at once.

use super::Snapshot;
use crate::fact::Fact;
use crate::id::{OrganizationId, Revision};
use crate::people::PeopleBuilder;

/// A snapshot under construction, for facts that do not come all at once.
pub struct SnapshotBuilder {
    snapshot: Snapshot,
    people: PeopleBuilder,
}

impl SnapshotBuilder {
    /// Of an organization that has no facts yet.
    pub fn new(organization: OrganizationId, revision: Revision) -> Self {
        Self {
            snapshot: Snapshot::empty(organization, revision),
            people: PeopleBuilder::default(),
        }
    }

    /// Takes in more facts, in any order.
    pub fn add(&mut self, facts: impl IntoIterator<Item = Fact>) {
        for fact in facts {
            self.snapshot.gather(&mut self.people, &fact);
        }
    }

    /// The snapshot, when all facts were taken in.
    pub fn build(self) -> Snapshot {
        let Self {
            mut snapshot,
            people,
        } = self;
        let (people, counts) = people.finish(snapshot.groups.len());
        snapshot.people = people;
        snapshot.groups.count_all(&counts);
        snapshot.settle();
        snapshot
    }
}
