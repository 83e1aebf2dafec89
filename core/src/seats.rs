//! Seats: small numbers for the roles that are given to people, so that a set of roles is some
//! bits, and whether two sets share a role is one comparison.

use std::ops::{BitAnd, BitOr, Not};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::hash::Key;
use crate::id::RoleId;
use crate::table::Table;
use crate::terms::RoleGrant;

/// Bits of a set of roles; of more seats than that, some share a bit.
const BITS: u32 = 256;
/// Words of a set of roles.
const WORDS: usize = (BITS / u64::BITS) as usize;

/// A set of roles, a bit for each seat: exact but for the bits that are in doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RoleSet([u64; WORDS]);

impl RoleSet {
    /// Puts the role of a seat in.
    pub(crate) fn insert(&mut self, seat: u32) {
        self.set(seat, true);
    }

    /// No role.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == [0; WORDS]
    }

    /// The bits that are in, the lowest first.
    pub(crate) fn bits(mut self) -> impl Iterator<Item = u8> {
        std::iter::from_fn(move || {
            let (number, word) = (0..).zip(&mut self.0).find(|(_, word)| **word != 0)?;
            let bit = word.trailing_zeros();
            *word &= *word - 1;
            u8::try_from(number * u64::BITS + bit).ok()
        })
    }

    /// Of some bits, those that are in.
    pub(crate) fn only<'a>(&self, bits: impl Iterator<Item = &'a u8>) -> Self {
        let mut only = Self::default();
        for bit in bits {
            let (word, mask) = (usize::from(bit / 64), 1 << (bit % 64));
            if let (Some(held), Some(kept)) = (self.0.get(word), only.0.get_mut(word)) {
                *kept |= held & mask;
            }
        }
        only
    }

    fn set(&mut self, seat: u32, inside: bool) {
        let bit = seat % BITS;
        if let Some(word) = self.0.get_mut((bit / u64::BITS) as usize) {
            let mask = 1 << (bit % u64::BITS);
            *word = if inside { *word | mask } else { *word & !mask };
        }
    }

    fn each_word(mut self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word = join(*word, other);
        }
        self
    }
}

impl BitOr for RoleSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.each_word(other, BitOr::bitor)
    }
}

impl BitAnd for RoleSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.each_word(other, BitAnd::bitand)
    }
}

impl Not for RoleSet {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0.map(Not::not))
    }
}

impl FromIterator<u32> for RoleSet {
    fn from_iter<I: IntoIterator<Item = u32>>(seats: I) -> Self {
        let mut set = Self::default();
        for seat in seats {
            set.insert(seat);
        }
        set
    }
}

/// The seats of an organization.
///
/// A role has one while it is given to any user or group, whether anybody knows the role or not.
/// Which one depends on what was given before; no answer does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats {
    /// A change of it copies the whole: it is seldom that a role is given for the first time.
    by_role: Arc<HashTable<(RoleId, u32)>>,
    /// INVARIANT: the entry of a seat in `by_role` counts grants; every other seat is in `free`.
    taken: Table<Seat>,
    free: Vec<u32>,
    /// Bits that do not settle a question: the roles of several seats have them, or a grant with
    /// them depends on more than the role.
    doubtful: RoleSet,
    /// Whether a role took a seat or left it since somebody looked.
    moved: bool,
}

/// How many grants there are of a role, and how many of them have terms.
#[derive(Debug, Clone, Copy, Default)]
struct Seat {
    grants: u32,
    with_terms: u32,
}

impl Seats {
    /// The seat of a role, if anybody has it.
    pub(crate) fn get(&self, role: RoleId) -> Option<u32> {
        self.find(role.hash(), role)
    }

    /// The same, when the hash of the role is known.
    pub(crate) fn find(&self, hash: u64, role: RoleId) -> Option<u32> {
        let found = self.by_role.find(hash, |(other, _)| *other == role);
        found.map(|(_, seat)| *seat)
    }

    /// The seats of the roles of grants.
    pub(crate) fn of(&self, grants: &[RoleGrant]) -> impl Iterator<Item = u32> {
        let grants = grants.iter();
        grants.filter_map(|grant| self.get(grant.role()))
    }

    /// The bits that do not settle a question.
    pub(crate) fn doubtful(&self) -> RoleSet {
        self.doubtful
    }

    /// Whether a role took a seat or left it since this was asked last.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Takes a grant to a user or a group from what it was to what it is.
    pub(crate) fn change(&mut self, before: Option<&RoleGrant>, after: Option<&RoleGrant>) {
        // The new one first, so that a role that stays keeps its seat.
        if let Some(after) = after {
            let seat = self.get(after.role());
            let seat = seat.unwrap_or_else(|| self.take(after.role()));
            self.count(seat, after, u32::saturating_add);
        }
        if let Some(before) = before
            && let Some(seat) = self.get(before.role())
        {
            self.count(seat, before, u32::saturating_sub);
            self.leave(seat, before.role());
        }
    }

    fn count(&mut self, seat: u32, grant: &RoleGrant, change: impl Fn(u32, u32) -> u32) {
        if let Some(entry) = self.taken.get_mut(seat) {
            entry.grants = change(entry.grants, 1);
            entry.with_terms = change(entry.with_terms, u32::from(grant.has_terms()));
            self.doubt(seat);
        }
    }

    fn take(&mut self, role: RoleId) -> u32 {
        let seat = self.free.pop();
        let seat = seat.unwrap_or_else(|| self.taken.push(Seat::default()));
        let by_role = Arc::make_mut(&mut self.by_role);
        by_role.insert_unique(role.hash(), (role, seat), |(other, _)| other.hash());
        self.moved = true;
        seat
    }

    /// Frees a seat when nobody has the role any more.
    fn leave(&mut self, seat: u32, role: RoleId) {
        if self.taken.get(seat).is_some_and(|entry| entry.grants > 0) {
            return;
        }
        let by_role = Arc::make_mut(&mut self.by_role);
        if let Ok(entry) = by_role.find_entry(role.hash(), |(other, _)| *other == role) {
            entry.remove();
            self.free.push(seat);
            self.moved = true;
        }
    }

    /// Finds out anew whether the bit of a seat is in doubt.
    fn doubt(&mut self, seat: u32) {
        let same = (seat % BITS..).step_by(BITS as usize);
        let seats = same.map_while(|seat| self.taken.get(seat));
        let (mut roles, mut with_terms) = (0, 0);
        for entry in seats {
            roles += u32::from(entry.grants > 0);
            with_terms += entry.with_terms;
        }
        self.doubtful.set(seat, roles > 1 || with_terms > 0);
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let free = self.free.capacity() * size_of::<u32>();
        self.by_role.allocation_size() + self.taken.bytes() + free
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn role(number: u128) -> RoleId {
        RoleId::new(Uuid::from_u128(number))
    }

    fn grant(number: u128, until: Option<i64>) -> RoleGrant {
        RoleGrant::new(role(number), until, &[])
    }

    fn bit(seat: u32) -> RoleSet {
        RoleSet::from_iter([seat])
    }

    #[test]
    fn sets() {
        let set = bit(3) | bit(200) | bit(BITS + 7);
        assert!(!(set & bit(3)).is_empty() && !(set & bit(7)).is_empty());
        assert!((set & bit(4)).is_empty() && (set & !set).is_empty());
        assert!(RoleSet::default().is_empty());
    }

    #[test]
    fn a_bit_is_in_doubt_when_it_tells_too_little() {
        let mut seats = Seats::default();
        for number in 0..=u128::from(BITS) {
            seats.change(None, Some(&grant(number, None)));
        }
        let shared = bit(seats.get(role(0)).unwrap());
        assert_eq!(shared, bit(seats.get(role(BITS.into())).unwrap()));
        assert_eq!(seats.doubtful(), shared);
        seats.change(Some(&grant(0, None)), None);
        assert!(seats.doubtful().is_empty());
        assert_eq!(seats.get(role(0)), None);
        seats.change(Some(&grant(1, None)), Some(&grant(1, Some(9))));
        assert_eq!(seats.doubtful(), bit(seats.get(role(1)).unwrap()));
        seats.change(Some(&grant(1, Some(9))), Some(&grant(1, None)));
        assert!(seats.doubtful().is_empty());
    }

    proptest! {
        /// Whoever was given a role has a seat of her own, and nobody else takes one up.
        #[test]
        fn a_seat_for_each_role(
            steps in prop::collection::vec((0..40_u128, any::<bool>()), 0..300),
        ) {
            let mut seats = Seats::default();
            let mut counts = [0_u32; 40];
            for (number, given) in steps {
                let count = &mut counts[usize::try_from(number).unwrap()];
                if given {
                    *count += 1;
                    seats.change(None, Some(&grant(number, None)));
                } else if *count > 0 {
                    *count -= 1;
                    seats.change(Some(&grant(number, None)), None);
                }
            }
            for number in (0..40).filter(|number| counts[*number] == 0) {
                prop_assert_eq!(seats.get(role(number as u128)), None);
            }
            let held = (0..40).filter(|number| counts[*number] > 0);
            let mut taken: Vec<u32> =
                held.map(|number| seats.get(role(number as u128)).unwrap()).collect();
            prop_assert_eq!(taken.len(), seats.by_role.len());
            prop_assert_eq!(taken.len() + seats.free.len(), seats.taken.len());
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), seats.by_role.len());
        }
    }
}
