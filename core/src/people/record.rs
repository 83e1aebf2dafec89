//! One person as words in a list.

use crate::fact::Status;
use crate::id::UserId;

/// An id as the words of a record.
pub(super) type Words = [u32; 4];

/// A record: id and what is known, then the groups, then the bytes of each name.
///
/// INVARIANT: `HEAD` words, as many groups as the last of them counts, `TAIL` words.
const HEAD: usize = 5;
const TAIL: usize = 2;

/// Bits of the last word of a head; the rest of it counts the groups.
const ACTIVE: u32 = 1;
const SUSPENDED: u32 = 2;
/// She holds roles herself, which are kept elsewhere.
const GIVEN: u32 = 4;
const COUNT_SHIFT: u32 = 3;

/// A user, or the edges of one who is not known yet.
#[derive(Debug, Clone, Copy)]
pub struct UserEntry<'a> {
    pub(super) id: &'a Words,
    known: u32,
    /// Slots of the groups that she is a direct member of, sorted.
    groups: &'a [u32],
    bytes: &'a [u32; TAIL],
    /// The records before hers in her bucket, whose names come before hers.
    before: &'a [u32],
    names: Names<'a>,
}

impl<'a> UserEntry<'a> {
    /// The name she signs in with.
    pub fn username(self) -> &'a str {
        let [username, _] = *self.bytes;
        let at = self.names_at();
        self.names
            .text
            .get(at..at + username as usize)
            .unwrap_or_default()
    }

    /// Her name for people.
    pub fn display_name(self) -> &'a str {
        let [username, display_name] = *self.bytes;
        let at = self.names_at() + username as usize;
        let name = self.names.text.get(at..at + display_name as usize);
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

    /// Whether she holds roles herself.
    pub(crate) fn is_given(self) -> bool {
        self.known & GIVEN != 0
    }

    /// Slots of the groups that she is a direct member of, sorted.
    pub(crate) fn groups(self) -> &'a [u32] {
        self.groups
    }

    pub(super) fn id(self) -> UserId {
        let [a, b, c, d] = *self.id;
        let join = |high, low| u64::from(high) << 32 | u64::from(low);
        UserId::new(uuid::Uuid::from_u64_pair(join(a, b), join(c, d)))
    }

    /// Where her names begin.
    fn names_at(self) -> usize {
        let bucket = Bucket {
            words: self.before,
            read: 0,
            names: self.names,
        };
        let before: usize = bucket.map(Self::name_bytes).sum();
        self.names.start() + before
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
            groups: self.groups,
            given: self.is_given(),
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
    pub(super) given: bool,
}

impl Record<'_> {
    pub(super) const fn words(&self) -> usize {
        HEAD + self.groups.len() + TAIL
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
        let given = if self.given { GIVEN } else { 0 };
        let known = status | given | word(self.groups.len()) << COUNT_SHIFT;
        let bytes = [word(self.username.len()), word(self.display_name.len())];
        let head = id.into_iter().chain([known]);
        head.chain(self.groups.iter().copied()).chain(bytes)
    }
}

/// What is known of a user, to be changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) status: Option<Status>,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) groups: Vec<u32>,
    /// Whether she holds roles herself.
    pub(crate) given: bool,
}

impl Person {
    pub(super) fn read(record: Record<'_>) -> Self {
        Self {
            status: record.status,
            username: record.username.to_owned(),
            display_name: record.display_name.to_owned(),
            groups: record.groups.to_vec(),
            given: record.given,
        }
    }

    pub(super) fn record(&self) -> Record<'_> {
        Record {
            status: self.status,
            username: &self.username,
            display_name: &self.display_name,
            groups: &self.groups,
            given: self.given,
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
        self.status.is_none() && self.groups.is_empty() && !self.given
    }
}

/// Where the names of a bucket are. Looked up when somebody asks: no decision does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// The names of all buckets.
    pub(super) text: &'a str,
    /// Where those of each bucket begin.
    pub(super) starts: &'a [u32],
    pub(super) bucket: usize,
}

impl Names<'_> {
    fn start(self) -> usize {
        self.starts
            .get(self.bucket)
            .map_or(0, |start| *start as usize)
    }
}

/// The people whose hashes end alike, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Bucket<'a> {
    pub(super) words: &'a [u32],
    /// Words that were gone through.
    pub(super) read: usize,
    pub(super) names: Names<'a>,
}

impl<'a> Iterator for Bucket<'a> {
    type Item = UserEntry<'a>;

    fn next(&mut self) -> Option<UserEntry<'a>> {
        let (before, record) = self.words.split_at_checked(self.read)?;
        let (id, rest) = record.split_first_chunk()?;
        let (known, rest) = rest.split_first()?;
        let (groups, rest) = rest.split_at_checked((known >> COUNT_SHIFT) as usize)?;
        let bytes = rest.first_chunk()?;
        self.read += HEAD + groups.len() + TAIL;
        Some(UserEntry {
            id,
            known: *known,
            groups,
            bytes,
            before,
            names: self.names,
        })
    }
}

/// A length or a place as a word: a shard with four billion of anything does not fit in memory.
pub(super) fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
