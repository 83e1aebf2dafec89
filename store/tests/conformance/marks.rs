//! What works once.

use time::Duration;
use tokio::task::JoinSet;

use crate::world::{World, now};

pub async fn a_mark_is_set_once(world: World) {
    let (marks, until) = (world.store.marks(), now() + Duration::MINUTE);
    assert!(marks.set(b"one", until).await.unwrap());
    assert!(!marks.set(b"one", until).await.unwrap());
    assert!(marks.set(b"another", until).await.unwrap());
    let replica = world.replica().await;
    assert!(!replica.marks().set(b"one", until).await.unwrap());
}

pub async fn marks_that_are_over_go(world: World) {
    let marks = world.store.marks();
    for (key, minutes) in [("soon", 1), ("late", 2)] {
        let until = now() + Duration::minutes(minutes);
        assert!(marks.set(key.as_bytes(), until).await.unwrap());
    }
    let later = now() + Duration::MINUTE;
    assert_eq!(world.store.prune_marks(later).await.unwrap(), 1);
    assert_eq!(world.store.prune_marks(later).await.unwrap(), 0);
    assert!(!marks.set(b"late", later).await.unwrap());
    assert!(marks.set(b"soon", later).await.unwrap());
}

pub async fn of_many_at_once_one_marks(world: World) {
    let until = now() + Duration::MINUTE;
    let mut all = JoinSet::new();
    for _ in 0..20 {
        let store = world.store.clone();
        all.spawn(async move { store.marks().set(b"one", until).await.unwrap() });
    }
    let set = all.join_all().await;
    assert_eq!(set.into_iter().filter(|set| *set).count(), 1);
}
