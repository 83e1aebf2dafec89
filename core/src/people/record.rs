//! One person as words in a list.

use super::{Shard, bucket_of, hash_words};
use crate::fact::Status;
use crate::id::UserId;

/// An id as the words of a record.
pub(super) type Words = [u32; 4];

/// A record: id and what is known, then the groups and what she holds herself, then the bytes of
/// each name.
///
/// INVARIANT: `HEAD` words, as many words as the last of them counts, `TAIL` words. Who is `GIVEN`
/// has in the middle her groups, her seats, and how many seats that are; others only groups.
const HEAD: usize = 5;
const TAIL: usize = 2;

/// Bits of the last word of a head; the rest of it counts the words in the middle.
const ACTIVE: u32 = 1;
const SUSPENDED: u32 = 2;
/// She holds roles herself.
const GIVEN: u32 = 4;
const COUNT_SHIFT: u32 = 3;

/// A user, or the edges of one who is not known yet.
#[derive(Debug, Clone, Copy)]
pub struct UserEntry<'a> {
    pub(super) id: &'a Words,
    known: u32,
    middle: &'a [u32],
    bytes: &'a [u32; TAIL],
    /// Where her names are, behind those of whoever comes before her in her bucket.
    shard: &'a Shard,
    before: usize,
}

impl<'a> UserEntry<'a> {
    /// The name she signs in with.
    pub fn username(self) -> &'a str {
        let [username, _] = *self.bytes;
        let at = self.names_at();
        let name = self.shard.names.get(at..at + username as usize);
        name.unwrap_or_default()
    }

    /// Her name for people.
    pub fn display_name(self) -> &'a str {
        let [username, display_name] = *self.bytes;
        let at = self.names_at() + username as usize;
        let name = self.shard.names.get(at..at + display_name as usize);
        name.unwrap_or_default()
    }

    /// Whether the account may be used.
    pub fn status(self) -> Status {
        if self.known & ACTIVE == 0 {
            Status::Suspended
        } else {
            Status::Active
        }
    }

    pub(crate) fn is_known(self) -> bool {
        self.known & (ACTIVE | SUSPENDED) != 0
    }

    /// Slots of the groups that she is a direct member of, sorted.
    pub(crate) fn groups(self) -> &'a [u32] {
        self.lists().0
    }

    /// Seats of the roles that she holds herself, sorted.
    pub(crate) fn seats(self) -> &'a [u32] {
        self.lists().1
    }

    /// Groups and seats.
    pub(crate) fn lists(self) -> (&'a [u32], &'a [u32]) {
        let given = self.known & GIVEN != 0;
        let lists = given.then(|| {
            let (seats, lists) = self.middle.split_last()?;
            lists.split_at_checked(lists.len().checked_sub(*seats as usize)?)
        });
        lists.flatten().unwrap_or((self.middle, &[]))
    }

    pub(crate) fn id(self) -> UserId {
        let [a, b, c, d] = *self.id;
        let join = |high, low| u64::from(high) << 32 | u64::from(low);
        UserId::new(uuid::Uuid::from_u64_pair(join(a, b), join(c, d)))
    }

    /// Where her names begin.
    fn names_at(self) -> usize {
        let bucket = bucket_of(hash_words(self.id));
        let start = self.shard.name_starts.get(bucket);
        let others = self.shard.bucket(bucket).into_iter().flatten();
        let before = others.take_while(|other| other.before < self.before);
        start.map_or(0, |start| *start as usize) + before.map(Self::name_bytes).sum::<usize>()
    }

    fn name_bytes(self) -> usize {
        let [username, display_name] = *self.bytes;
        username as usize + display_name as usize
    }

    /// All that is known of her.
    pub(super) fn record(self) -> Record<'a> {
        Record {
            status: self.is_known().then(|| self.status()),
            username: self.username(),
            display_name: self.display_name(),
            groups: self.groups(),
            seats: self.seats(),
        }
    }
}

/// All that is known of a user, to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) status: Option<Status>,
    pub(super) username: &'a str,
    pub(super) display_name: &'a str,
    pub(super) groups: &'a [u32],
    pub(super) seats: &'a [u32],
}

impl Record<'_> {
    pub(super) const fn words(&self) -> usize {
        HEAD + self.middle() + TAIL
    }

    const fn middle(&self) -> usize {
        let seats = self.seats.len();
        self.groups.len() + if seats == 0 { 0 } else { seats + 1 }
    }

    pub(super) const fn name_bytes(&self) -> usize {
        self.username.len() + self.display_name.len()
    }

    pub(super) fn write(&self, id: Words) -> impl Iterator<Item = u32> {
        let status = match self.status {
            None => 0,
            Some(Status::Active) => ACTIVE,
            Some(Status::Suspended) => SUSPENDED,
        };
        let seats = (!self.seats.is_empty()).then(|| word(self.seats.len()));
        let given = seats.map_or(0, |_| GIVEN);
        let known = status | given | word(self.middle()) << COUNT_SHIFT;
        let bytes = [word(self.username.len()), word(self.display_name.len())];
        let head = id.into_iter().chain([known]);
        let lists = self.groups.iter().chain(self.seats).copied();
        head.chain(lists).chain(seats).chain(bytes)
    }
}

/// What is known of a user, to be changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) status: Option<Status>,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) groups: Vec<u32>,
    /// Seats of the roles that she holds herself, sorted.
    pub(crate) seats: Vec<u32>,
}

impl Person {
    pub(super) fn read(record: Record<'_>) -> Self {
        Self {
            status: record.status,
            username: record.username.to_owned(),
            display_name: record.display_name.to_owned(),
            groups: record.groups.to_vec(),
            seats: record.seats.to_vec(),
        }
    }

    pub(super) fn record(&self) -> Record<'_> {
        Record {
            status: self.status,
            username: &self.username,
            display_name: &self.display_name,
            groups: &self.groups,
            seats: &self.seats,
        }
    }

    /// Puts her into a group or takes her out; false when that changed nothing.
    pub(crate) fn set_group(&mut self, slot: u32, inside: bool) -> bool {
        match (self.groups.binary_search(&slot), inside) {
            (Err(position), true) => self.groups.insert(position, slot),
            (Ok(position), false) => {
                self.groups.remove(position);
            }
            (Ok(_), true) | (Err(_), false) => return false,
        }
        true
    }

    pub(super) fn is_vacant(&self) -> bool {
        self.status.is_none() && self.groups.is_empty() && self.seats.is_empty()
    }
}

/// The people whose hashes end alike, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Bucket<'a> {
    pub(super) shard: &'a Shard,
    /// What was not gone through yet.
    pub(super) words: &'a [u32],
    /// How many words were.
    pub(super) read: usize,
}

impl<'a> Iterator for Bucket<'a> {
    type Item = UserEntry<'a>;

    fn next(&mut self) -> Option<UserEntry<'a>> {
        let before = self.read;
        let (id, rest) = self.words.split_first_chunk()?;
        let (known, rest) = rest.split_first()?;
        let (middle, rest) = rest.split_at_checked((known >> COUNT_SHIFT) as usize)?;
        let (bytes, rest) = rest.split_first_chunk()?;
        self.words = rest;
        self.read += HEAD + middle.len() + TAIL;
        Some(UserEntry {
            id,
            known: *known,
            middle,
            bytes,
            shard: self.shard,
            before,
        })
    }
}

/// A length or a place as a word: a shard with four billion of anything does not fit in memory.
pub(super) fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
