//! Panics of the server, which no input may cause.

use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

static PANICS: AtomicUsize = AtomicUsize::new(0);
static WATCH: Once = Once::new();

/// Counts panics from now on, but for those of the tests themselves, which fail by panicking.
pub fn watch() -> usize {
    WATCH.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let here = |place: &panic::Location<'_>| place.file().starts_with("tests/");
            if !info.location().is_some_and(here) {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            before(info);
        }));
    });
    seen()
}

/// How many there were.
pub fn seen() -> usize {
    PANICS.load(Ordering::SeqCst)
}
