//! No text may panic the reader of manifests, and what it accepts it accepts again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(words) = gatepost::fuzzing::manifest(text) {
        assert!(words.starts_with("MANIFEST_INVALID"), "{words}");
    }
});
