//! Whether a group may be put into another: groups nest without cycles and not too deep.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::GroupId;
use crate::limits::{GROUP_ANCESTORS_MAX, GROUP_DEPTH_MAX};

/// Why a group may not be put into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NestError {
    /// The group would be inside of itself.
    #[error("the group would contain itself")]
    Cycle,
    /// The chain of groups would be longer than [`GROUP_DEPTH_MAX`].
    #[error("groups would be nested more than {GROUP_DEPTH_MAX} deep")]
    TooDeep,
    /// A group would inherit from more than [`GROUP_ANCESTORS_MAX`] groups.
    #[error("a group would be inside of more than {GROUP_ANCESTORS_MAX} groups")]
    TooManyAbove,
}

/// Whether `child` as a member of `parent` closes a cycle, given the (parent, child) edges there
/// are.
pub fn would_cycle(edges: &[(GroupId, GroupId)], parent: GroupId, child: GroupId) -> bool {
    parent == child || reach(&upward(edges), parent).contains(&child)
}

/// Whether `child` may become a member of `parent`, given the (parent, child) edges there are.
///
/// The edges are without cycles and within the limits; an edge that is there already is fine.
pub fn check_nesting(
    edges: &[(GroupId, GroupId)],
    parent: GroupId,
    child: GroupId,
) -> Result<(), NestError> {
    if would_cycle(edges, parent, child) {
        return Err(NestError::Cycle);
    }
    let mut edges = edges.to_vec();
    edges.push((parent, child));
    let (up, down) = (upward(&edges), downward(&edges));
    if height(&up, parent) + 1 + height(&down, child) > GROUP_DEPTH_MAX {
        return Err(NestError::TooDeep);
    }
    let below = reach(&down, child);
    let crowded = |group: &GroupId| reach(&up, *group).len() > GROUP_ANCESTORS_MAX;
    if crowded(&child) || below.iter().any(crowded) {
        return Err(NestError::TooManyAbove);
    }
    Ok(())
}

type Neighbours = BTreeMap<GroupId, Vec<GroupId>>;

fn upward(edges: &[(GroupId, GroupId)]) -> Neighbours {
    collect(edges.iter().map(|(parent, child)| (*child, *parent)))
}

fn downward(edges: &[(GroupId, GroupId)]) -> Neighbours {
    collect(edges.iter().copied())
}

fn collect(edges: impl Iterator<Item = (GroupId, GroupId)>) -> Neighbours {
    let mut neighbours = Neighbours::new();
    for (from, to) in edges {
        neighbours.entry(from).or_default().push(to);
    }
    neighbours
}

/// Everything that can be reached from a group in one step or more.
fn reach(neighbours: &Neighbours, from: GroupId) -> BTreeSet<GroupId> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(group) = open.pop() {
        for next in neighbours.get(&group).into_iter().flatten() {
            if found.insert(*next) {
                open.push(*next);
            }
        }
    }
    found
}

/// Steps in the longest chain from a group; past the limit the number does not matter.
fn height(neighbours: &Neighbours, from: GroupId) -> usize {
    let mut level = BTreeSet::from([from]);
    for steps in 0..=GROUP_DEPTH_MAX {
        // In a graph without cycles the longest chain is as long as there are levels.
        level = level
            .iter()
            .flat_map(|group| neighbours.get(group).into_iter().flatten())
            .copied()
            .collect();
        if level.is_empty() {
            return steps;
        }
    }
    GROUP_DEPTH_MAX + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: usize) -> GroupId {
        GroupId::new(Uuid::from_u128(number as u128))
    }

    fn chain(length: usize) -> Vec<(GroupId, GroupId)> {
        (0..length).map(|step| (id(step), id(step + 1))).collect()
    }

    #[test]
    fn cycles() {
        assert!(would_cycle(&[], id(1), id(1)));
        assert!(would_cycle(&chain(5), id(5), id(0)));
        assert!(!would_cycle(&chain(5), id(0), id(5)));
        assert_eq!(
            check_nesting(&chain(5), id(3), id(1)),
            Err(NestError::Cycle)
        );
    }

    #[test]
    fn depth_at_the_edge() {
        let edges = chain(GROUP_DEPTH_MAX - 1);
        let last = id(GROUP_DEPTH_MAX - 1);
        assert_eq!(check_nesting(&edges, last, id(100)), Ok(()));
        assert_eq!(check_nesting(&edges, id(100), id(0)), Ok(()));
        let edges = chain(GROUP_DEPTH_MAX);
        assert_eq!(
            check_nesting(&edges, id(GROUP_DEPTH_MAX), id(100)),
            Err(NestError::TooDeep)
        );
        assert_eq!(
            check_nesting(&edges, id(100), id(0)),
            Err(NestError::TooDeep)
        );
        assert_eq!(check_nesting(&edges, id(0), id(100)), Ok(()));
        assert_eq!(
            check_nesting(&edges, id(0), id(1)),
            Ok(()),
            "it is there already"
        );
    }

    #[test]
    fn breadth_at_the_edge() {
        let child = id(0);
        let edges: Vec<_> = (1..GROUP_ANCESTORS_MAX)
            .map(|parent| (id(parent), child))
            .collect();
        assert_eq!(check_nesting(&edges, id(1000), child), Ok(()));
        let edges: Vec<_> = (1..=GROUP_ANCESTORS_MAX)
            .map(|parent| (id(parent), child))
            .collect();
        assert_eq!(
            check_nesting(&edges, id(1000), child),
            Err(NestError::TooManyAbove)
        );
        assert_eq!(
            check_nesting(&edges, child, id(1000)),
            Err(NestError::TooManyAbove)
        );
    }

    proptest! {
        #[test]
        fn no_cycle_ever(steps in prop::collection::vec((0_usize..12, 0_usize..12), 0..60)) {
            let mut edges = Vec::new();
            for (parent, child) in steps {
                if check_nesting(&edges, id(parent), id(child)).is_ok() {
                    edges.push((id(parent), id(child)));
                }
            }
            for group in 0..12 {
                prop_assert!(!reach(&upward(&edges), id(group)).contains(&id(group)));
            }
        }
    }
}
