//! What every answer to a sign-in costs, whoever is asked about.
//!
//! Time tells: were an unknown name answered sooner than a known one, or a fast hash sooner than a
//! slow one, a stranger could tell them apart. So everybody pays the same, by the count of what is
//! done and not by the clock: in each lane that an organization has hashes of, as many rounds as
//! the dearest of them.

use std::collections::BTreeMap;

use super::work::{Lane, Work};

/// The rounds of each lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share(BTreeMap<Lane, u32>);

impl Share {
    /// What all of these cost at the most, lane by lane.
    pub fn of(works: impl IntoIterator<Item = Work>) -> Self {
        let mut rounds = BTreeMap::new();
        for work in works {
            let most: &mut u32 = rounds.entry(work.lane).or_default();
            *most = work.rounds.max(*most);
        }
        Self(rounds)
    }

    /// How many lanes there are.
    pub fn lanes(&self) -> usize {
        self.0.len()
    }

    /// What is left to do once this was done.
    pub fn less(&self, done: Option<Work>) -> impl Iterator<Item = Work> {
        self.0.iter().filter_map(move |(lane, most)| {
            let spent = done.filter(|done| done.lane == *lane);
            let rounds = most.saturating_sub(spent.map_or(0, |done| done.rounds));
            (rounds > 0).then_some(Work {
                lane: *lane,
                rounds,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn works(texts: &[&str]) -> Vec<Work> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Rounds by lane, in all.
    fn total(works: impl IntoIterator<Item = Work>) -> BTreeMap<Lane, u64> {
        let mut total = BTreeMap::new();
        for work in works {
            *total.entry(work.lane).or_default() += u64::from(work.rounds);
        }
        total
    }

    #[test]
    fn a_lane_counts_once_with_its_dearest() {
        let share = Share::of(works(&[
            "$2a$05",
            "$2b$12",
            "$2y$10",
            "pbkdf2_sha256$260000",
            "$pbkdf2-sha256$i=600000,l=32",
            "$argon2id$v=19$m=19456,t=2,p=1",
        ]));
        assert_eq!(share.lanes(), 3);
        let rounds: Vec<u32> = share.less(None).map(|work| work.rounds).collect();
        assert_eq!(rounds, [2, 4096, 600_000]);
    }

    proptest! {
        /// The promise: whichever hash is checked, and when there is none, the same is done.
        #[test]
        fn everybody_costs_the_same(
            costs in prop::collection::vec(4..15_u32, 1..4),
            iterations in prop::collection::vec(1..2_000_000_u32, 1..4),
            passes in prop::collection::vec((1..4_u32, 1..5_u32), 1..4),
        ) {
            let texts = costs
                .iter()
                .map(|cost| format!("$2b${cost:02}"))
                .chain(iterations.iter().map(|many| format!("pbkdf2_sha256${many}")))
                .chain(passes.iter().map(|(m, t)| format!("$argon2id$v=19$m={m}000,t={t},p=1")));
            let works: Vec<Work> = texts.map(|text| text.parse().unwrap()).collect();
            let share = Share::of(works.iter().copied());
            let nobody = total(share.less(None));
            for work in works {
                prop_assert_eq!(&total(share.less(Some(work)).chain([work])), &nobody);
            }
        }
    }
}
