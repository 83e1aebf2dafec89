//! Everybody at once: what is learnt one fact after the other is written once.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashTable;

use super::record::{Record, Words, word};
use super::{
    BUCKETS, People, SHARD_PEOPLE_MAX, SHARDS_MAX, Shard, bucket_of, hash_words, words_of,
};
use crate::fact::Status;
use crate::id::UserId;
use crate::shards::position;

/// Memberships that are looked up in one go.
const PENDING_MAX: usize = 4096;

/// People to be, and the memberships that were learnt of them.
#[derive(Default)]
pub(crate) struct PeopleBuilder {
    /// Ids, with their places in `drafts`.
    index: HashTable<(Words, u32)>,
    drafts: Vec<Draft>,
    names: String,
    /// Place in `drafts`, slot of a group.
    memberships: Vec<(u32, u32)>,
    /// Place in `drafts`, seat of a role.
    given: Vec<(u32, u32)>,
    /// Memberships of people who are still to be found.
    pending: Vec<(UserId, u32)>,
}

/// A list for each draft, all of them in one.
struct Lists {
    items: Vec<u32>,
    /// Where those of each draft are.
    ranges: Vec<Range<usize>>,
}

impl Lists {
    /// What belongs to each of so many places, sorted, each once.
    fn new(places: usize, items: &[(u32, u32)]) -> Self {
        let mut ends = vec![0_usize; places];
        for (place, _) in items {
            if let Some(count) = ends.get_mut(*place as usize) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut starts = ends.clone();
        let mut sorted = vec![0_u32; items.len()];
        for (place, item) in items {
            // Filled from the end, so that every end becomes the start.
            if let Some(start) = starts.get_mut(*place as usize) {
                *start = start.saturating_sub(1);
                if let Some(free) = sorted.get_mut(*start) {
                    *free = *item;
                }
            }
        }
        Self::settle(sorted, &starts, ends)
    }

    /// Sorts each list, and leaves out what is there twice.
    fn settle(mut items: Vec<u32>, starts: &[usize], ends: Vec<usize>) -> Self {
        let ranges = starts.iter().zip(ends).map(|(start, end)| {
            let own = items.get_mut(*start..end).unwrap_or_default();
            own.sort_unstable();
            let mut kept = 0;
            for next in 0..own.len() {
                if next == 0 || own.get(next) != own.get(kept - 1) {
                    own.swap(kept, next);
                    kept += 1;
                }
            }
            *start..*start + kept
        });
        let ranges = ranges.collect();
        Self { items, ranges }
    }

    fn get(&self, place: u32) -> &[u32] {
        let range = self.ranges.get(place as usize);
        let items = range.and_then(|range| self.items.get(range.clone()));
        items.unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = u32> {
        let ranges = self.ranges.iter();
        let lists = ranges.filter_map(|range| self.items.get(range.clone()));
        lists.flatten().copied()
    }
}

struct Draft {
    id: Words,
    status: Option<Status>,
    names_at: usize,
    username_bytes: usize,
    display_name_bytes: usize,
}

impl PeopleBuilder {
    /// Says who a user is.
    pub(crate) fn set(&mut self, id: UserId, username: &str, display_name: &str, status: Status) {
        let names_at = self.names.len();
        self.names.push_str(username);
        self.names.push_str(display_name);
        let place = self.place(id);
        if let Some(draft) = self.drafts.get_mut(place as usize) {
            draft.status = Some(status);
            draft.names_at = names_at;
            draft.username_bytes = username.len();
            draft.display_name_bytes = display_name.len();
        }
    }

    /// Puts a user into a group.
    pub(crate) fn join(&mut self, id: UserId, slot: u32) {
        self.pending.push((id, slot));
        if self.pending.len() >= PENDING_MAX {
            self.find_pending();
        }
    }

    /// Finds the people of many memberships in one go, so that the waits for memory overlap.
    fn find_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        for (id, slot) in &pending {
            let place = self.place(*id);
            self.memberships.push((place, *slot));
        }
        self.pending = pending;
        self.pending.clear();
    }

    /// Says that a user holds the role of a seat herself.
    pub(crate) fn give(&mut self, id: UserId, seat: u32) {
        let place = self.place(id);
        self.given.push((place, seat));
    }

    /// The people, and how many of them are in the group of each slot.
    pub(crate) fn finish(mut self, slots: usize) -> (People, Vec<u32>) {
        self.find_pending();
        // What it was good for is done, and the memory is wanted.
        self.index = HashTable::new();
        let mut counts = vec![0_u32; slots];
        let groups = Lists::new(self.drafts.len(), &self.memberships);
        let seats = Lists::new(self.drafts.len(), &self.given);
        for slot in groups.iter() {
            if let Some(count) = counts.get_mut(slot as usize) {
                *count = count.saturating_add(1);
            }
        }
        let mut count = 1;
        while count < SHARDS_MAX && count * SHARD_PEOPLE_MAX < self.drafts.len() {
            count *= 2;
        }
        let hashes = self.drafts.iter().map(|draft| hash_words(&draft.id));
        let mut order: Vec<(u64, u32)> = hashes.zip(0..).collect();
        order.sort_unstable_by_key(|(hash, _)| position(*hash, count));
        let mut shards = Vec::with_capacity(count);
        let shard_of = |(hash, _): &(u64, u32)| position(*hash, count);
        for part in order.chunk_by_mut(|one, other| shard_of(one) == shard_of(other)) {
            shards.resize_with(part.first().map_or(0, shard_of), Arc::default);
            shards.push(Arc::new(self.shard(part, &groups, &seats)));
        }
        shards.resize_with(count, Arc::default);
        let people = People {
            shards: shards.into(),
            len: self.drafts.len(),
        };
        (people, counts)
    }

    fn shard(&self, people: &mut [(u64, u32)], groups: &Lists, seats: &Lists) -> Shard {
        people.sort_unstable_by_key(|(hash, _)| bucket_of(*hash));
        let record = |place: u32| {
            let draft = self.drafts.get(place as usize)?;
            let record = self.record(draft, groups.get(place), seats.get(place));
            Some((draft.id, record))
        };
        let (mut words, mut names) = (0, 0);
        for (_, record) in people.iter().filter_map(|(_, place)| record(*place)) {
            words += record.words();
            names += record.name_bytes();
        }
        let mut shard = Shard::with_room(words, names);
        let mut people = people.iter().peekable();
        for bucket in 0..BUCKETS {
            while let Some((_, place)) = people.next_if(|(hash, _)| bucket_of(*hash) == bucket) {
                if let Some((id, record)) = record(*place) {
                    shard.push(id, record);
                }
            }
            shard.end(bucket);
        }
        shard
    }

    fn record<'a>(&'a self, draft: &Draft, groups: &'a [u32], seats: &'a [u32]) -> Record<'a> {
        let middle = draft.names_at + draft.username_bytes;
        let name = |from, to| self.names.get(from..to).unwrap_or_default();
        Record {
            status: draft.status,
            username: name(draft.names_at, middle),
            display_name: name(middle, middle + draft.display_name_bytes),
            groups,
            seats,
        }
    }

    /// The place of a user's draft, made when there is none.
    fn place(&mut self, id: UserId) -> u32 {
        let id = words_of(id);
        let hash = hash_words(&id);
        let found = self.index.find(hash, |(other, _)| *other == id);
        if let Some((_, place)) = found {
            return *place;
        }
        let place = word(self.drafts.len());
        self.drafts.push(Draft {
            id,
            status: None,
            names_at: 0,
            username_bytes: 0,
            display_name_bytes: 0,
        });
        self.index
            .insert_unique(hash, (id, place), |(other, _)| hash_words(other));
        place
    }
}
