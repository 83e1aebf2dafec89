//! What changed lately in one organization, for those that this replica feeds: it has read that
//! once, and reads it for none of them again.

use std::collections::VecDeque;
use std::time::Duration;

use gatepost_core::feed::{Head, Steps};
use gatepost_core::{Change, Revision};

use super::Snapshots;

/// Revisions that are kept of an organization.
const KEPT_MAX: usize = 1_024;
/// How long a revision is kept: by then those that follow have asked for it.
const KEPT_AGE_MAX: Duration = Duration::from_secs(10);

/// The last revisions of one epoch, without a gap.
#[derive(Default)]
pub(super) struct Window {
    epoch: u64,
    steps: VecDeque<Kept>,
}

struct Kept {
    revision: Revision,
    changes: Vec<Change>,
    /// Since boot.
    since: Duration,
}

impl Window {
    /// Keeps what each of these revisions changed. What does not lead up to them goes.
    pub fn keep(&mut self, epoch: u64, steps: Steps, now: Duration) {
        for (revision, changes) in steps {
            let last = self.steps.back().map(|kept| kept.revision);
            let leads_up = last.is_none_or(|last| last + 1 == revision);
            if self.epoch != epoch || !leads_up {
                self.steps.clear();
                self.epoch = epoch;
            }
            if self.steps.len() == KEPT_MAX {
                self.steps.pop_front();
            }
            self.steps.push_back(Kept {
                revision,
                changes,
                since: now,
            });
        }
    }

    /// What each revision after that of `from`, up to and with `up_to`, changed; `None` when one of
    /// them is not here.
    pub fn changes(&self, from: Head, up_to: Revision) -> Option<Steps> {
        let (first, last) = (self.steps.front()?.revision, self.steps.back()?.revision);
        if self.epoch != from.epoch || from.revision + 1 < first || up_to > last {
            return None;
        }
        let asked = |kept: &&Kept| from.revision < kept.revision && kept.revision <= up_to;
        let steps = self.steps.iter().filter(asked);
        Some(
            steps
                .map(|kept| (kept.revision, kept.changes.clone()))
                .collect(),
        )
    }

    /// Forgets what is too old.
    fn forget(&mut self, now: Duration) {
        let is_old = |kept: &Kept| now.saturating_sub(kept.since) > KEPT_AGE_MAX;
        while self.steps.front().is_some_and(is_old) {
            self.steps.pop_front();
        }
        if self.steps.is_empty() {
            self.steps = VecDeque::new();
        }
    }
}

impl Snapshots {
    /// Forgets the steps that nobody will ask for any more.
    pub(super) fn forget_steps(&self) {
        let now = self.clock.since_boot();
        for slot in self.read_slots().values() {
            slot.window().forget(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use gatepost_core::OrganizationId;
    use uuid::Uuid;

    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn steps(revisions: impl Iterator<Item = Revision>) -> Steps {
        revisions.map(|revision| (revision, Vec::new())).collect()
    }

    fn told(window: &Window, epoch: u64, after: Revision, up_to: Revision) -> Option<usize> {
        let from = Head {
            organization: OrganizationId::new(Uuid::from_u128(1)),
            revision: after,
            epoch,
        };
        let steps = window.changes(from, up_to)?;
        let revisions: Vec<Revision> = steps.iter().map(|(revision, _)| *revision).collect();
        assert_eq!(revisions, (after + 1..=up_to).collect::<Vec<_>>());
        Some(steps.len())
    }

    #[test]
    fn what_is_not_there_whole_is_not_told() {
        let mut window = Window::default();
        assert_eq!(told(&window, 1, 4, 5), None);
        window.keep(1, steps(5..=8), NOW);
        assert_eq!(told(&window, 1, 4, 8), Some(4));
        assert_eq!(told(&window, 1, 6, 7), Some(1));
        assert_eq!(told(&window, 1, 8, 8), Some(0));
        for (epoch, after, up_to) in [(1, 3, 8), (1, 4, 9), (2, 4, 8)] {
            assert_eq!(
                told(&window, epoch, after, up_to),
                None,
                "{after} to {up_to}"
            );
        }
    }

    #[test]
    fn a_gap_or_another_epoch_begins_it_anew() {
        let mut window = Window::default();
        window.keep(1, steps(5..=8), NOW);
        window.keep(1, steps(10..=11), NOW);
        assert_eq!(
            (told(&window, 1, 7, 8), told(&window, 1, 9, 11)),
            (None, Some(2))
        );
        window.keep(2, steps(12..=12), NOW);
        assert_eq!(
            (told(&window, 1, 9, 11), told(&window, 2, 11, 12)),
            (None, Some(1))
        );
    }

    #[test]
    fn it_holds_so_much_and_for_so_long() {
        let mut window = Window::default();
        window.keep(1, steps(1..=2_000), NOW);
        assert_eq!(told(&window, 1, 2_000 - 1_024, 2_000), Some(1_024));
        assert_eq!(told(&window, 1, 2_000 - 1_025, 2_000), None);
        window.keep(1, steps(2_001..=2_001), NOW + KEPT_AGE_MAX);
        window.forget(NOW + KEPT_AGE_MAX);
        assert_eq!(told(&window, 1, 1_999, 2_001), Some(2));
        window.forget(NOW + KEPT_AGE_MAX + Duration::from_millis(1));
        assert_eq!(told(&window, 1, 1_999, 2_001), None);
        assert_eq!(told(&window, 1, 2_000, 2_001), Some(1));
    }
}
