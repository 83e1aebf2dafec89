//! The permissions that a product declares, each with its number.

use hashbrown::HashTable;

use crate::role::{ANY, Probe};

/// One (resource, action) pair of a manifest.
#[derive(Debug, Clone)]
struct Line {
    resource: Box<str>,
    action: Box<str>,
    number: u32,
}

/// What a product declares. The pairs are numbered from 0, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declared {
    lines: HashTable<Line>,
}

impl Declared {
    /// Compiles a list; what is listed twice counts once.
    pub(crate) fn new(pairs: &[(String, String)]) -> Self {
        let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let hash = |line: &Line| Probe::new(&line.resource, &line.action).hash();
        let mut lines = HashTable::with_capacity(sorted.len());
        for (number, (resource, action)) in (0..).zip(sorted) {
            let line = Line {
                resource: resource.as_str().into(),
                action: action.as_str().into(),
                number,
            };
            lines.insert_unique(hash(&line), line, hash);
        }
        Self { lines }
    }

    /// The number of a permission, if it is declared. A wildcard is for roles and declares nothing.
    pub(crate) fn number(&self, probe: &Probe<'_>) -> Option<u32> {
        if probe.resource == ANY || probe.action == ANY {
            return None;
        }
        let same = |line: &Line| *line.resource == *probe.resource && *line.action == *probe.action;
        self.lines.find(probe.hash(), same).map(|line| line.number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Every pair, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.lines.iter();
        lines.map(|line| (&*line.resource, &*line.action))
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let texts: usize = self
            .iter()
            .map(|(resource, action)| resource.len() + action.len())
            .sum();
        self.lines.allocation_size() + texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_has_a_number_of_its_own() {
        let pair = |resource: &str, action: &str| (resource.to_owned(), action.to_owned());
        let pairs = [
            pair("b", "get"),
            pair("a", "post"),
            pair("b", "get"),
            pair("a", "get"),
        ];
        let declared = Declared::new(&pairs);
        let number = |resource, action| declared.number(&Probe::new(resource, action));
        assert_eq!(declared.len(), 3);
        assert_eq!(number("a", "get"), Some(0));
        assert_eq!(number("a", "post"), Some(1));
        assert_eq!(number("b", "get"), Some(2));
        assert_eq!(number("b", "post"), None);
        assert_eq!(
            Declared::new(&[pair("*", "get")]).number(&Probe::new("*", "get")),
            None
        );
    }
}
