//! A list that is cheap to copy and cheap to change after: copy-on-write chunks.

use std::sync::Arc;

/// Entries in a chunk: what one change copies.
const CHUNK_ENTRIES: usize = 32;

/// A persistent list: a clone shares everything, and a change copies one chunk of it.
#[derive(Debug, Clone)]
pub(crate) struct Table<V> {
    /// INVARIANT: every chunk but the last is full.
    chunks: Vec<Arc<Vec<V>>>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<V: Clone> Table<V> {
    /// The entry at a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<&V> {
        let slot = slot as usize;
        self.chunks
            .get(slot / CHUNK_ENTRIES)?
            .get(slot % CHUNK_ENTRIES)
    }

    /// The entry at a slot, to change.
    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut V> {
        let slot = slot as usize;
        let chunk = self.chunks.get_mut(slot / CHUNK_ENTRIES)?;
        Arc::make_mut(chunk).get_mut(slot % CHUNK_ENTRIES)
    }

    /// Adds an entry, and says where it is.
    pub(crate) fn push(&mut self, value: V) -> u32 {
        let slot = self.len();
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_ENTRIES => Arc::make_mut(chunk).push(value),
            _ => self.chunks.push(Arc::new(vec![value])),
        }
        // A list of four billion groups does not fit in memory.
        u32::try_from(slot).unwrap_or(u32::MAX)
    }

    /// Number of slots.
    pub(crate) fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_ENTRIES;
        full + self.chunks.last().map_or(0, |chunk| chunk.len())
    }

    /// Every entry, by slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &V> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// Bytes of the list itself.
    pub(crate) fn bytes(&self) -> usize {
        let head = size_of::<usize>() * 3 + size_of::<Vec<V>>();
        self.chunks
            .iter()
            .map(|chunk| head + chunk.capacity() * size_of::<V>())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_do_not_see_changes() {
        let mut table = Table::default();
        for value in 0_u32..100 {
            assert_eq!(table.push(value), value);
        }
        let old = table.clone();
        *table.get_mut(50).unwrap() = 0;
        assert_eq!(
            (table.get(50), old.get(50), table.get(100)),
            (Some(&0), Some(&50), None)
        );
        assert_eq!((table.len(), table.iter().count()), (100, 100));
        let shared = table
            .chunks
            .iter()
            .zip(&old.chunks)
            .filter(|(new, old)| Arc::ptr_eq(new, old));
        assert_eq!(shared.count(), 3);
        assert!(table.bytes() >= 400);
    }
}
