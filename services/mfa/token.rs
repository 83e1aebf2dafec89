//! What names a challenge: which one, of which organization, and the proof that we wrote that.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::OrganizationId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::seal::Sealer;

/// What it begins with, so that scanners find one that leaked.
const PREFIX: &str = "gpm_";
const PURPOSE: &str = "mfa challenge";
/// Organization, challenge.
const NAMED_BYTES: usize = 16 + 16;

/// What the token of a challenge names. Whose it is only the database knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MfaToken {
    /// The organization.
    pub organization: OrganizationId,
    /// The challenge.
    pub challenge: Uuid,
}

impl MfaToken {
    /// The token.
    pub fn write(&self, sealer: &Sealer) -> String {
        let mut bytes = self.named();
        let proof = sealer.hash(PURPOSE, &bytes);
        bytes.extend_from_slice(&proof);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token names, if it is one of ours.
    pub fn read(sealer: &Sealer, token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (named, proof) = bytes.split_first_chunk::<NAMED_BYTES>()?;
        if !bool::from(sealer.hash(PURPOSE, named).ct_eq(proof)) {
            return None;
        }
        let (organization, challenge) = named.split_first_chunk::<16>()?;
        Some(Self {
            organization: OrganizationId::new(Uuid::from_bytes(*organization)),
            challenge: Uuid::from_slice(challenge).ok()?,
        })
    }

    fn named(&self) -> Vec<u8> {
        let organization = self.organization.uuid();
        [organization.as_bytes(), self.challenge.as_bytes()]
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(byte: &str) -> Sealer {
        Sealer::new(&byte.repeat(32)).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else(one: u128, other: u128, at in 0..64, bit in 0..8) {
            let token = MfaToken {
                organization: OrganizationId::new(Uuid::from_u128(one)),
                challenge: Uuid::from_u128(other),
            };
            let text = token.write(&sealer("07"));
            prop_assert_eq!(MfaToken::read(&sealer("07"), &text), Some(token));
            prop_assert_eq!(MfaToken::read(&sealer("08"), &text), None);
            let encoded = text.strip_prefix(PREFIX).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(encoded).unwrap();
            bytes[usize::try_from(at).unwrap()] ^= 1_u8 << bit;
            let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert_eq!(MfaToken::read(&sealer("07"), &forged), None);
        }

        #[test]
        fn anything_else_is_refused(text in "(gpm_)?[A-Za-z0-9_-]{0,128}") {
            prop_assert_eq!(MfaToken::read(&sealer("07"), &text), None);
        }
    }
}
