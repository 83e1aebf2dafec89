//! Codes that are sent, recovery codes, and what a remembered device shows: random, told once,
//! kept as keyed hashes.

use gatepost_core::UserId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::seal::{SealError, Sealer, new_secret, random};

/// Digits of a code that is sent.
const DIGITS: usize = 6;
/// Recovery codes of one person.
const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code: 50 random bits.
const RECOVERY_CHARS: usize = 10;
/// No I, L, O and U: they are misread, or make words (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A new code of six digits.
///
/// # Errors
/// `INTERNAL` when the system has no randomness.
pub fn new_code() -> Result<Zeroizing<String>, SealError> {
    const COUNT: u32 = 10_u32.pow(6);
    loop {
        let number = u32::from_le_bytes(random()?);
        // What is left over above the last full million would make some codes likelier.
        if number < u32::MAX - u32::MAX % COUNT {
            return Ok(Zeroizing::new(format!("{:0DIGITS$}", number % COUNT)));
        }
    }
}

/// The hash of a code that was sent, for this challenge or factor and for no other.
pub fn code_hash(sealer: &Sealer, about: &str, code: &str) -> Vec<u8> {
    sealer.hash("mfa code", format!("{about} {code}"))
}

/// New recovery codes, as they are shown, and their hashes.
///
/// # Errors
/// `INTERNAL` when the system has no randomness.
pub fn new_recovery_codes(
    sealer: &Sealer,
    user: UserId,
) -> Result<(Vec<String>, Vec<Vec<u8>>), SealError> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let bytes: [u8; RECOVERY_CHARS] = random()?;
        let chars = bytes.map(|byte| ALPHABET.get(usize::from(byte % 32)).copied());
        let mut code: String = chars.into_iter().flatten().map(char::from).collect();
        code.insert(RECOVERY_CHARS / 2, '-');
        codes.push(code);
    }
    let hashes = codes
        .iter()
        .map(|code| recovery_hash(sealer, user, code))
        .collect();
    Ok((codes, hashes))
}

/// The hash of a recovery code, however it was typed.
pub fn recovery_hash(sealer: &Sealer, user: UserId, code: &str) -> Vec<u8> {
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    sealer.hash("recovery code", format!("{user} {plain}"))
}

/// What a device that is remembered shows.
///
/// # Errors
/// `INTERNAL` when the system has no randomness.
pub fn new_device_token() -> Result<String, SealError> {
    new_secret("gpd_")
}

/// The hash of what a device shows.
pub fn device_hash(sealer: &Sealer, user: UserId, token: &str) -> Vec<u8> {
    sealer.hash("remembered device", format!("{user} {token}"))
}

/// What the hash of a challenge's code is bound to.
pub fn about_challenge(challenge: Uuid) -> String {
    format!("challenge {challenge}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[test]
    fn codes_have_six_digits_and_differ() {
        let codes: BTreeSet<String> = (0..100).map(|_| new_code().unwrap().to_string()).collect();
        assert!(codes.len() > 90);
        let digits = |code: &String| code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
        assert!(codes.iter().all(digits));
    }

    #[test]
    fn a_recovery_code_is_read_however_it_is_typed_and_by_its_owner_only() {
        let sealer = Sealer::new(&"07".repeat(32)).unwrap();
        let (codes, hashes) = new_recovery_codes(&sealer, user(1)).unwrap();
        assert_eq!((codes.len(), hashes.len()), (10, 10));
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
        for (code, hash) in codes.iter().zip(&hashes) {
            let typed = code.to_lowercase().replace('-', " ").replace('0', "o");
            let typed = typed.replace('1', "l");
            assert_eq!(&recovery_hash(&sealer, user(1), &typed), hash, "{code}");
            assert_ne!(&recovery_hash(&sealer, user(2), code), hash);
        }
    }

    #[test]
    fn a_code_is_good_for_what_it_was_sent_for() {
        let sealer = Sealer::new(&"07".repeat(32)).unwrap();
        let (one, other) = (about_challenge(Uuid::nil()), about_challenge(Uuid::max()));
        let hash = code_hash(&sealer, &one, "123456");
        assert_eq!(code_hash(&sealer, &one, "123456"), hash);
        assert_ne!(code_hash(&sealer, &other, "123456"), hash);
        let device = device_hash(&sealer, user(1), "gpd_x");
        assert_ne!(device_hash(&sealer, user(2), "gpd_x"), device);
    }
}
