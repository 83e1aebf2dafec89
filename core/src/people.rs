//! The people of an organization: most of a snapshot, and looked up by every decision.
//!
//! A person is a record in a list of words. Her id, her status, her groups and her roles stand next
//! to each other, and her names are elsewhere; a short table says where in the list the few people
//! with the same bits of a hash begin. So a decision waits for memory two or three times, and not
//! once for each thing that it reads. The lists are parts of copy-on-write shards, as the entries
//! of [`Shards`](crate::shards::Shards) are.

mod build;
mod record;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use crate::hash::hash_of;
use crate::id::UserId;
use crate::shards::position;
use record::{Bucket, Record, Words, word};

pub(crate) use build::PeopleBuilder;
pub(crate) use record::Person;
pub use record::UserEntry;

/// People a shard holds on average before there are more shards: what one change copies.
const SHARD_PEOPLE_MAX: usize = 64;
/// Most shards: what copying the list of them copies. Past this the shards grow instead.
const SHARDS_MAX: usize = 8192;
/// Buckets of a shard: a look-up goes through one. Their number is fixed so that where they begin
/// stands in the shard itself, and is not one wait for memory more.
const BUCKETS: usize = 64;

/// A part of the people.
#[derive(Debug, Clone)]
struct Shard {
    /// Where in `words` each bucket begins, and where the last one ends.
    starts: Starts,
    words: Vec<u32>,
    /// Where in `names` each bucket begins, and where the last one ends.
    name_starts: Box<Starts>,
    names: String,
    len: usize,
}

type Starts = [u32; BUCKETS + 1];

impl Default for Shard {
    fn default() -> Self {
        Self {
            starts: [0; BUCKETS + 1],
            words: Vec::new(),
            name_starts: Box::new([0; BUCKETS + 1]),
            names: String::new(),
            len: 0,
        }
    }
}

impl Shard {
    fn find(&self, hash: u64, id: Words) -> Option<UserEntry<'_>> {
        let mut people = self.bucket(bucket_of(hash))?;
        people.find(|entry| *entry.id == id)
    }

    fn bucket(&self, number: usize) -> Option<Bucket<'_>> {
        let (from, to) = (self.starts.get(number)?, self.starts.get(number + 1)?);
        Some(Bucket {
            shard: self,
            words: self.words.get(*from as usize..*to as usize)?,
            read: 0,
        })
    }

    /// Everybody, in no order.
    fn iter(&self) -> impl Iterator<Item = UserEntry<'_>> {
        (0..BUCKETS)
            .filter_map(|number| self.bucket(number))
            .flatten()
    }

    /// Writes what is known of a user in place of what was, if anything was.
    fn put(&mut self, hash: u64, id: Words, record: Option<Record<'_>>) {
        let number = bucket_of(hash);
        let (words, names) = self.place(number, id);
        self.len -= usize::from(!words.is_empty());
        if let Some(record) = record {
            self.len += 1;
            let name = [record.username, record.display_name].concat();
            shift(&mut self.starts, number, words.len(), record.words());
            shift(&mut self.name_starts, number, names.len(), name.len());
            self.words.splice(words, record.write(id));
            self.names.replace_range(names, &name);
        } else {
            shift(&mut self.starts, number, words.len(), 0);
            shift(&mut self.name_starts, number, names.len(), 0);
            self.words.drain(words);
            self.names.drain(names);
        }
    }

    /// Where the record and the names of a user are; an empty place for them when there are none.
    fn place(&self, number: usize, id: Words) -> (Range<usize>, Range<usize>) {
        let start = |starts: &Starts| starts.get(number).map_or(0, |start| *start as usize);
        let (mut at, mut name_at) = (start(&self.starts), start(&self.name_starts));
        for entry in self.bucket(number).into_iter().flatten() {
            let record = entry.record();
            let (words, name_bytes) = (record.words(), record.name_bytes());
            if *entry.id == id {
                return (at..at + words, name_at..name_at + name_bytes);
            }
            at += words;
            name_at += name_bytes;
        }
        (at..at, name_at..name_at)
    }

    /// Nobody, with as much room; to be filled by [`Shard::push`] and then closed.
    fn with_room(words: usize, names: usize) -> Self {
        Self {
            words: Vec::with_capacity(words),
            names: String::with_capacity(names),
            ..Self::default()
        }
    }

    /// Adds somebody to the last bucket that has anybody.
    fn push(&mut self, id: Words, record: Record<'_>) {
        self.words.extend(record.write(id));
        self.names.push_str(record.username);
        self.names.push_str(record.display_name);
        self.len += 1;
    }

    /// Ends a bucket here. The buckets come in their order.
    fn end(&mut self, bucket: usize) {
        let ends = (self.starts.get_mut(bucket + 1)).zip(self.name_starts.get_mut(bucket + 1));
        if let Some((end, name_end)) = ends {
            (*end, *name_end) = (word(self.words.len()), word(self.names.len()));
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + 3 * size_of::<usize>()
            + size_of::<Starts>()
            + self.words.capacity() * size_of::<u32>()
            + self.names.capacity()
    }
}

/// Moves what begins behind a bucket in which something takes another length.
fn shift(starts: &mut Starts, bucket: usize, old: usize, new: usize) {
    let (old, new) = (word(old), word(new));
    for start in starts.iter_mut().skip(bucket + 1) {
        *start = start.saturating_sub(old).saturating_add(new);
    }
}

/// The people of an organization: a clone shares everything, and a change copies one shard.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    /// INVARIANT: the number of shards is a power of two, or none while there is nobody.
    shards: Arc<[Arc<Shard>]>,
    len: usize,
}

impl People {
    /// A user, or the edges of one who is not known yet.
    pub(crate) fn get(&self, id: UserId) -> Option<UserEntry<'_>> {
        let id = words_of(id);
        let hash = hash_words(&id);
        let shard = self.shards.get(position(hash, self.shards.len()))?;
        shard.find(hash, id)
    }

    /// Everybody of whom anything is known, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (UserId, UserEntry<'_>)> {
        let all = self.shards.iter().flat_map(|shard| shard.iter());
        all.map(|entry| (entry.id(), entry))
    }

    /// Changes what is known of a user, which starts as nothing, and is forgotten if it ends so.
    pub(crate) fn edit<R>(&mut self, id: UserId, change: impl FnOnce(&mut Person) -> R) -> R {
        self.make_room();
        let id = words_of(id);
        let hash = hash_words(&id);
        let position = position(hash, self.shards.len());
        let Some(shard) = Arc::make_mut(&mut self.shards).get_mut(position) else {
            // Not reached: there is a shard for every hash once there is room.
            return change(&mut Person::default());
        };
        let shard = Arc::make_mut(shard);
        let before = shard.find(hash, id).map(UserEntry::record);
        let mut person = before.map(Person::read).unwrap_or_default();
        let before = shard.len;
        let result = change(&mut person);
        let record = (!person.is_vacant()).then(|| person.record());
        shard.put(hash, id, record);
        self.len = self.len + shard.len - before;
        result
    }

    /// Bytes on the heap, shared with its clones.
    pub(crate) fn bytes(&self) -> usize {
        let shards: usize = self.shards.iter().map(|shard| shard.bytes()).sum();
        self.shards.len() * size_of::<usize>() + shards
    }

    /// Doubles the shards when they are full.
    fn make_room(&mut self) {
        let count = self.shards.len();
        if count >= SHARDS_MAX || self.len < count * SHARD_PEOPLE_MAX {
            return;
        }
        let mut shards = vec![Shard::default(); (count * 2).max(1)];
        for entry in self.shards.iter().flat_map(|shard| shard.iter()) {
            let hash = hash_words(entry.id);
            let position = position(hash, shards.len());
            if let Some(shard) = shards.get_mut(position) {
                shard.put(hash, *entry.id, Some(entry.record()));
            }
        }
        self.shards = shards.into_iter().map(Arc::new).collect();
    }
}

fn words_of(id: UserId) -> Words {
    let (high, low) = id.uuid().as_u64_pair();
    let halves = |word: u64| [(word >> 32) as u32, (word & 0xffff_ffff) as u32];
    let ([a, b], [c, d]) = (halves(high), halves(low));
    [a, b, c, d]
}

fn hash_words([a, b, c, d]: &Words) -> u64 {
    let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    hash_of(&(u128::from(join(*a, *b)) << 64 | u128::from(join(*c, *d))))
}

/// The bucket of a hash in its shard, which is chosen by other bits.
const fn bucket_of(hash: u64) -> usize {
    (hash & 0xffff_ffff) as usize & (BUCKETS - 1)
}
