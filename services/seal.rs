//! The master key: what is sealed at rest, and the keyed hashes of secrets that machines hold.
//!
//! Random secrets of 128 bits and more need no slow hash; a keyed one keeps a copy of the database
//! useless to a guesser and costs nothing on a request.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use thiserror::Error;
use zeroize::Zeroizing;

/// Length of a master key.
pub const MASTER_KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
/// Format of an envelope: this byte, key id, nonce, ciphertext with its tag.
const ENVELOPE_VERSION: u8 = 1;

/// What client secrets are hashed for.
pub const CLIENT_SECRET: &str = "client secret";
/// What requests with an idempotency key are hashed for.
pub const REQUEST: &str = "idempotent request";
/// What refresh tokens are hashed for.
pub const REFRESH_TOKEN: &str = "refresh token";

/// Why the master key or an envelope cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// The master key is not 32 bytes in base64 or hexadecimal.
    #[error("a master key is 32 bytes, written in base64 or hexadecimal")]
    MalformedKey,
    /// The envelope is cut short, forged, or made for another purpose.
    #[error("a sealed value cannot be opened")]
    Broken,
    /// The envelope was sealed under another master key.
    #[error("a sealed value was made under another master key")]
    OtherKey,
    /// The system has no randomness to give.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// Seals and hashes under the installation's master key. Has no `Debug` form on purpose.
pub struct Sealer {
    seal: LessSafeKey,
    hash: hmac::Key,
    key_id: [u8; KEY_ID_BYTES],
    check: Vec<u8>,
}

impl Sealer {
    /// Derives the keys that are used from the master key.
    ///
    /// # Errors
    /// [`SealError::MalformedKey`] if it is not 32 bytes in base64 or hexadecimal.
    pub fn new(master_key: &str) -> Result<Self, SealError> {
        let master = Zeroizing::new(decode_key(master_key.trim())?);
        let derive = |label: &'static [u8]| derive(&master, label);
        let seal = UnboundKey::new(&AES_256_GCM, derive(b"gatepost seal v1")?.as_ref())
            .map_err(|_| SealError::MalformedKey)?;
        let hash = hmac::Key::new(hmac::HMAC_SHA256, derive(b"gatepost hash v1")?.as_ref());
        let check = derive(b"gatepost check v1")?;
        let identity = digest::digest(&digest::SHA256, check.as_ref());
        let mut key_id = [0; KEY_ID_BYTES];
        for (to, from) in key_id.iter_mut().zip(identity.as_ref()) {
            *to = *from;
        }
        Ok(Self {
            seal: LessSafeKey::new(seal),
            hash,
            key_id,
            check: check.to_vec(),
        })
    }

    /// A value that tells whether two processes hold the same master key, and nothing of the key.
    pub fn check_value(&self) -> Vec<u8> {
        hmac::sign(&self.hash, &self.check).as_ref().to_vec()
    }

    /// Encrypts `plain`. `purpose` must be the same when it is opened.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let mut body = plain.to_vec();
        self.seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut body,
            )
            .map_err(|_| SealError::Broken)?;
        let mut envelope = vec![ENVELOPE_VERSION];
        envelope.extend_from_slice(&self.key_id);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&body);
        Ok(envelope)
    }

    /// Decrypts what [`Sealer::seal`] made for the same purpose.
    ///
    /// # Errors
    /// [`SealError::OtherKey`] under another master key, else [`SealError::Broken`].
    pub fn open(&self, purpose: &str, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = envelope.split_first().ok_or(SealError::Broken)?;
        let (key_id, rest) = rest
            .split_at_checked(KEY_ID_BYTES)
            .ok_or(SealError::Broken)?;
        let (nonce, body) = rest
            .split_at_checked(NONCE_BYTES)
            .ok_or(SealError::Broken)?;
        if *version != ENVELOPE_VERSION {
            return Err(SealError::Broken);
        }
        if key_id != self.key_id {
            return Err(SealError::OtherKey);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Broken)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .seal
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body)
            .map_err(|_| SealError::Broken)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// The keyed hash under which a machine's secret is stored.
    pub fn hash(&self, purpose: &str, secret: impl AsRef<[u8]>) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.hash);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(secret.as_ref());
        context.sign().as_ref().to_vec()
    }
}

/// A new secret: a prefix that tells what it is, and 256 random bits.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn new_secret(prefix: &str) -> Result<String, SealError> {
    let bytes: [u8; 32] = random()?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// A new master key, in base64.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn new_master_key() -> Result<Zeroizing<String>, SealError> {
    let bytes: [u8; MASTER_KEY_BYTES] = random()?;
    Ok(Zeroizing::new(STANDARD.encode(bytes)))
}

/// Random bytes.
///
/// # Errors
/// [`SealError::NoRandomness`].
pub fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}

fn decode_key(text: &str) -> Result<Vec<u8>, SealError> {
    let bytes = if text.len() == 2 * MASTER_KEY_BYTES {
        decode_hexadecimal(text)
    } else {
        STANDARD
            .decode(text)
            .or_else(|_| URL_SAFE_NO_PAD.decode(text))
            .ok()
    };
    bytes
        .filter(|bytes| bytes.len() == MASTER_KEY_BYTES)
        .ok_or(SealError::MalformedKey)
}

fn decode_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn derive(master: &[u8], label: &'static [u8]) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"gatepost")
        .extract(master)
        .expand(&[label], hkdf::HKDF_SHA256)
        .and_then(|output| output.fill(key.as_mut()))
        .map_err(|_| SealError::MalformedKey)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&new_master_key().unwrap()).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_purpose_only() {
        let sealer = sealer();
        let envelope = sealer.seal("signing key", b"secret").unwrap();
        assert_eq!(
            sealer.open("signing key", &envelope).unwrap().as_slice(),
            b"secret"
        );
        assert_eq!(
            sealer.open("provider", &envelope).unwrap_err(),
            SealError::Broken
        );
    }

    #[test]
    fn another_master_key_is_told_apart_from_a_forgery() {
        let envelope = sealer().seal("x", b"secret").unwrap();
        assert_eq!(
            sealer().open("x", &envelope).unwrap_err(),
            SealError::OtherKey
        );
        assert_ne!(sealer().check_value(), sealer().check_value());
    }

    #[test]
    fn no_cut_or_flipped_envelope_opens() {
        let sealer = sealer();
        let envelope = sealer.seal("x", b"secret").unwrap();
        for cut in 0..envelope.len() {
            assert!(sealer.open("x", &envelope[..cut]).is_err());
        }
        for at in 0..envelope.len() {
            let mut forged = envelope.clone();
            forged[at] ^= 1;
            assert!(sealer.open("x", &forged).is_err());
        }
    }

    #[test]
    fn a_key_may_be_written_in_base64_or_hexadecimal() {
        let bytes = [7_u8; 32];
        let hexadecimal = "07".repeat(32);
        let both = [STANDARD.encode(bytes), hexadecimal];
        let checks: Vec<_> = both
            .iter()
            .map(|key| Sealer::new(key).unwrap().check_value())
            .collect();
        assert_eq!(checks[0], checks[1]);
        for bad in ["", "short", &"zz".repeat(32), &STANDARD.encode([7; 31])] {
            assert_eq!(Sealer::new(bad).err(), Some(SealError::MalformedKey));
        }
    }

    #[test]
    fn hashes_are_keyed_and_separate_their_purposes() {
        let sealer = sealer();
        let stored = sealer.hash(CLIENT_SECRET, "abc");
        assert_eq!(sealer.hash(CLIENT_SECRET, "abc"), stored);
        assert_ne!(sealer.hash(CLIENT_SECRET, "abd"), stored);
        assert_ne!(sealer.hash(REFRESH_TOKEN, "abc"), stored);
        assert_ne!(self::sealer().hash(CLIENT_SECRET, "abc"), stored);
    }
}
