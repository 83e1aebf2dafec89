//! No text may panic the reader of imported password hashes, and what it takes is of one line.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// What hashes begin with, so that the rest is reached.
const FORMS: [&str; 6] = [
    "",
    "$2b$12$",
    "pbkdf2_sha256$600000$",
    "$pbkdf2-sha512$i=210000,l=64$",
    "$scrypt$ln=16,r=8,p=1$",
    "$argon2id$v=19$m=19456,t=2,p=1$",
];

fuzz_target!(|rest: &str| {
    for form in FORMS {
        let text = format!("{form}{rest}");
        if gatepost::fuzzing::password_hash(&text).is_ok() {
            assert!(text.len() <= 512 && text.contains('$'));
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
        }
    }
});
