//! What the cache and the bus promise, asked of memory and of Valkey in the same words.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "how long something takes is asked of a real clock"
)]

#[path = "../../tests/servers/mod.rs"]
pub mod servers;

use std::time::{Duration, Instant};

use gatepost_core::OrganizationId;
use gatepost_store::{Bus, Cache, Hint, HintStream, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use servers::valkey::Valkey;

const WINDOW: Duration = Duration::from_millis(400);

async fn valkey() -> Valkey {
    tokio::task::spawn_blocking(Valkey::start).await.unwrap()
}

fn organization(number: u128) -> OrganizationId {
    OrganizationId::new(Uuid::from_u128(number))
}

/// Both caches on their own clocks, so the real one here.
async fn counts_within_a_window(cache: Cache) {
    let count = async |key: &str| {
        cache
            .count(key, WINDOW, OffsetDateTime::now_utc())
            .await
            .unwrap()
    };
    assert_eq!(count("one").await, 1);
    assert_eq!(count("one").await, 2);
    assert_eq!(count("other").await, 1);
    assert_eq!(count("' \r\n $ {}").await, 1);
    tokio::time::sleep(WINDOW + Duration::from_millis(100)).await;
    assert_eq!(count("one").await, 1);
}

#[tokio::test]
async fn memory_counts_within_a_window() {
    counts_within_a_window(Cache::memory()).await;
}

#[tokio::test]
async fn valkey_counts_within_a_window() {
    let server = valkey().await;
    let cache = Cache::connect(&server.url()).unwrap();
    connected(&cache).await;
    counts_within_a_window(cache).await;
}

/// Waits for a first or a new connection.
async fn connected(cache: &Cache) {
    for _ in 0..100 {
        if cache
            .count("connected", WINDOW, OffsetDateTime::now_utc())
            .await
            .is_ok()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no connection to the cache");
}

#[tokio::test]
async fn memory_is_bounded() {
    let cache = Cache::memory();
    let now = OffsetDateTime::now_utc();
    for number in 0..100_001 {
        cache.count(&number.to_string(), WINDOW, now).await.unwrap();
    }
    assert_eq!(
        cache.count("0", WINDOW, now).await.unwrap(),
        1,
        "it made room"
    );
    assert_eq!(cache.count("0", WINDOW, now).await.unwrap(), 2);
}

#[tokio::test]
async fn a_cache_that_is_down_is_told_soon() {
    let server = valkey().await;
    let cache = Cache::connect(&server.url()).unwrap();
    connected(&cache).await;
    server.pause();
    refuses_soon(&cache).await;
    server.resume();
    connected(&cache).await;
    server.stop();
    refuses_soon(&cache).await;
    server.restart();
    connected(&cache).await;
}

async fn refuses_soon(cache: &Cache) {
    for _ in 0..3 {
        let begin = Instant::now();
        let now = OffsetDateTime::now_utc();
        let refused = cache.count("one", WINDOW, now).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        assert!(
            begin.elapsed() < Duration::from_millis(400),
            "{:?}",
            begin.elapsed()
        );
    }
}

async fn next(hints: &mut HintStream) -> Option<Hint> {
    tokio::time::timeout(Duration::from_secs(10), hints.next())
        .await
        .unwrap()
}

/// The next hint at this organization or everywhere.
async fn hears(hints: &mut HintStream, organization: OrganizationId) -> bool {
    let patience = Duration::from_millis(300);
    while let Ok(Some(hint)) = tokio::time::timeout(patience, hints.next()).await {
        if hint == Hint::Organization(organization) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn memory_hands_hints_on() {
    let bus = Bus::memory();
    bus.hint(organization(1));
    let (mut one, mut other) = (bus.subscribe(), bus.subscribe());
    bus.hint(organization(2));
    for hints in [&mut one, &mut other] {
        assert_eq!(next(hints).await, Some(Hint::Organization(organization(2))));
    }
    for _ in 0..3_000 {
        bus.hint(organization(3));
    }
    assert_eq!(
        next(&mut one).await,
        Some(Hint::Everything),
        "it lags behind"
    );
    drop(bus);
    while let Some(hint) = next(&mut one).await {
        assert_eq!(hint, Hint::Organization(organization(3)));
    }
}

#[tokio::test]
async fn valkey_hands_hints_on_to_other_replicas() {
    let server = valkey().await;
    let (one, other) = (
        Bus::connect(&server.url()).unwrap(),
        Bus::connect(&server.url()).unwrap(),
    );
    let mut hints = other.subscribe();
    // Nobody promises when the connection is there.
    repeat_until_heard(&one, &mut hints, organization(1)).await;
    // A hint is heard at home without the way there and back.
    let mut at_home = one.subscribe();
    one.hint(organization(2));
    assert!(hears(&mut at_home, organization(2)).await);

    server.stop();
    one.hint(organization(3));
    assert!(!hears(&mut hints, organization(3)).await);
    server.restart();
    repeat_until_heard(&one, &mut hints, organization(4)).await;
}

async fn repeat_until_heard(bus: &Bus, hints: &mut HintStream, organization: OrganizationId) {
    for _ in 0..50 {
        bus.hint(organization);
        if hears(hints, organization).await {
            return;
        }
    }
    panic!("no hint came through");
}

#[tokio::test]
async fn a_bus_that_is_down_at_the_start_comes_later() {
    let server = valkey().await;
    server.stop();
    let begin = Instant::now();
    let (one, other) = (
        Bus::connect(&server.url()).unwrap(),
        Bus::connect(&server.url()).unwrap(),
    );
    let mut hints = other.subscribe();
    one.hint(organization(1));
    assert!(
        begin.elapsed() < Duration::from_millis(200),
        "nothing waits"
    );
    server.restart();
    repeat_until_heard(&one, &mut hints, organization(2)).await;
}

#[tokio::test]
async fn a_strange_address_is_refused_without_repeating_it() {
    for url in [
        "http://user:geheim@host",
        "valkey://user:geheim@:x",
        "geheim",
        "",
    ] {
        let cache = Cache::connect(url).unwrap_err().to_string();
        let bus = Bus::connect(url).unwrap_err().to_string();
        assert!(
            !cache.contains("geheim") && !bus.contains("geheim"),
            "{cache}"
        );
    }
}
