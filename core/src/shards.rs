//! A hash map that is cheap to copy and cheap to change after: copy-on-write shards.

use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;

use crate::hash::Key;

/// Entries a shard holds on average before there are more shards: what one change copies.
const SHARD_ENTRIES_MAX: usize = 128;
/// Most shards: what copying the map copies. Past this the shards grow instead.
const SHARDS_MAX: usize = 4096;

/// What a map can hold: a value that may be nothing, and knows what it weighs.
pub(crate) trait Entry: Clone + Default {
    /// Whether the value says nothing; such a value is not kept.
    fn is_vacant(&self) -> bool;
    /// Bytes on the heap behind the value.
    fn heap_bytes(&self) -> usize;
}

/// A value that knows what it weighs.
pub(crate) trait Weigh {
    /// Bytes on the heap behind the value.
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl<T: Clone + Weigh> Entry for Option<T> {
    fn is_vacant(&self) -> bool {
        self.is_none()
    }

    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, Weigh::heap_bytes)
    }
}

/// A part of a map.
type Shard<K, V> = Arc<HashTable<(K, V)>>;

/// A persistent map: a clone shares everything, and a change copies one shard of it.
#[derive(Debug, Clone)]
pub(crate) struct Shards<K, V> {
    /// INVARIANT: the number of shards is a power of two, or none while the map is empty.
    all: Arc<[Shard<K, V>]>,
    len: usize,
    heap_bytes: usize,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self {
            all: Arc::default(),
            len: 0,
            heap_bytes: 0,
        }
    }
}

impl<K: Key, V: Entry> Shards<K, V> {
    /// Number of entries.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        if self.len == 0 {
            return None;
        }
        self.find(key.hash(), |other| other == key)
    }

    /// The value of the key that has this hash and is the one.
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(&K) -> bool) -> Option<&V> {
        let shard = self.all.get(position(hash, self.all.len()))?;
        shard
            .find(hash, |(other, _)| is(other))
            .map(|(_, value)| value)
    }

    /// How many shards are not shared with another map.
    #[cfg(test)]
    pub(crate) fn copied_from(&self, other: &Self) -> usize {
        let pairs = self.all.iter().zip(other.all.iter());
        pairs
            .filter(|(one, other)| !Arc::ptr_eq(one, other))
            .count()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every entry, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.all
            .iter()
            .flat_map(|shard| shard.iter())
            .map(|(key, value)| (key, value))
    }

    /// Bytes that the map holds, on the heap and shared with its clones.
    pub(crate) fn bytes(&self) -> usize {
        // A shard: its pointer, two counts of the `Arc`, and the table behind it.
        let head = size_of::<usize>() * 3 + size_of::<HashTable<(K, V)>>();
        let tables: usize = self
            .all
            .iter()
            .map(|shard| head + shard.allocation_size())
            .sum();
        tables + self.heap_bytes
    }

    /// Changes the value of a key, which starts as nothing, and is forgotten if it ends so.
    pub(crate) fn edit<R>(&mut self, key: K, change: impl FnOnce(&mut V) -> R) -> R {
        self.make_room();
        let hash = key.hash();
        let position = position(hash, self.all.len());
        let Some(shard) = Arc::make_mut(&mut self.all).get_mut(position) else {
            // Not reached: there is a shard for every hash once there is room.
            return change(&mut V::default());
        };
        let shard = Arc::make_mut(shard);
        match shard.entry(hash, |(other, _)| *other == key, |(other, _)| other.hash()) {
            TableEntry::Occupied(mut entry) => {
                let value = &mut entry.get_mut().1;
                self.heap_bytes = self.heap_bytes.saturating_sub(value.heap_bytes());
                let result = change(value);
                if value.is_vacant() {
                    entry.remove();
                    self.len = self.len.saturating_sub(1);
                } else {
                    self.heap_bytes += value.heap_bytes();
                }
                result
            }
            TableEntry::Vacant(entry) => {
                let mut value = V::default();
                let result = change(&mut value);
                if !value.is_vacant() {
                    self.heap_bytes += value.heap_bytes();
                    self.len += 1;
                    entry.insert((key, value));
                }
                result
            }
        }
    }

    /// Doubles the shards when they are full.
    fn make_room(&mut self) {
        let count = self.all.len();
        if count >= SHARDS_MAX || self.len < count * SHARD_ENTRIES_MAX {
            return;
        }
        let count = (count * 2).max(1);
        let mut tables: Vec<HashTable<(K, V)>> = Vec::new();
        tables.resize_with(count, HashTable::new);
        for (key, value) in self.iter() {
            let hash = key.hash();
            if let Some(table) = tables.get_mut(position(hash, count)) {
                table.insert_unique(hash, (key.clone(), value.clone()), |(other, _)| {
                    other.hash()
                });
            }
        }
        self.all = tables.into_iter().map(Arc::new).collect();
    }
}

/// The shard of a hash. The tables use its lowest and its seven highest bits, so not those.
pub(crate) const fn position(hash: u64, shards: usize) -> usize {
    (hash >> 32) as usize & shards.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::hash::hash_of;

    impl Key for u16 {
        fn hash(&self) -> u64 {
            hash_of(self)
        }
    }

    impl Key for u32 {
        fn hash(&self) -> u64 {
            hash_of(self)
        }
    }

    impl Weigh for u16 {
        fn heap_bytes(&self) -> usize {
            usize::from(*self)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn is_a_map(steps in prop::collection::vec((0_u16..600, any::<Option<u16>>()), 0..2_000)) {
            let mut map: Shards<u16, Option<u16>> = Shards::default();
            let mut model = BTreeMap::new();
            let (mut old, mut old_model) = (map.clone(), model.clone());
            for (step, (key, value)) in steps.into_iter().enumerate() {
                map.edit(key, |entry| *entry = value);
                match value {
                    Some(value) => model.insert(key, value),
                    None => model.remove(&key),
                };
                if step == 700 {
                    (old, old_model) = (map.clone(), model.clone());
                }
            }
            for (map, model) in [(&map, &model), (&old, &old_model)] {
                prop_assert_eq!(map.len(), model.len());
                let all: BTreeMap<u16, u16> =
                    map.iter().filter_map(|(key, value)| Some((*key, (*value)?))).collect();
                prop_assert_eq!(&all, model);
                for key in 0..600 {
                    prop_assert_eq!(map.get(&key).copied().flatten(), model.get(&key).copied());
                }
                let weight: usize = model.values().map(|value| usize::from(*value)).sum();
                prop_assert_eq!(map.heap_bytes, weight);
            }
        }
    }

    #[test]
    fn a_change_copies_one_shard() {
        let mut map: Shards<u32, Option<u16>> = Shards::default();
        for key in 0..10_000 {
            map.edit(key, |entry| *entry = Some(1));
        }
        let old = map.clone();
        map.edit(7, |entry| *entry = None);
        assert_eq!(map.copied_from(&old), 1);
        assert!(map.all.len() >= 64);
    }
}
