//! Small sorted sets in exactly the memory that they need: two words when empty.

/// Puts an item in or takes it out; false when that changed nothing.
pub(crate) fn set<T: Ord + Copy>(list: &mut Box<[T]>, item: T, held: bool) -> bool {
    if held {
        insert(list, item)
    } else {
        remove(list, item)
    }
}

/// Adds the item; false when it was there.
fn insert<T: Ord + Copy>(list: &mut Box<[T]>, item: T) -> bool {
    let Err(position) = list.binary_search(&item) else {
        return false;
    };
    let (head, tail) = list.split_at(position);
    *list = [head, &[item], tail].concat().into_boxed_slice();
    true
}

/// Takes the item out; false when it was not there.
fn remove<T: Ord + Copy>(list: &mut Box<[T]>, item: T) -> bool {
    if list.binary_search(&item).is_err() {
        return false;
    }
    *list = list
        .iter()
        .copied()
        .filter(|other| *other != item)
        .collect();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_set() {
        let mut list: Box<[u8]> = Box::default();
        assert!(insert(&mut list, 2) && insert(&mut list, 1) && insert(&mut list, 3));
        assert!(!insert(&mut list, 2));
        assert_eq!(*list, [1, 2, 3]);
        assert!(remove(&mut list, 2) && !remove(&mut list, 2));
        assert_eq!(*list, [1, 3]);
    }
}
