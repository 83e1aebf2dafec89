//! Refresh tokens: which session, which generation of it, and the proof that we wrote that.
//!
//! Nothing of one is stored: it follows from the session, its generation and the master key. So
//! the same one can be told again while its first telling may have been lost, and one that we did
//! not write is refused without a question to the database.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{OrganizationId, SessionId};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::seal::{REFRESH_TOKEN, Sealer};

/// What a refresh token begins with, so that scanners find one that leaked.
const PREFIX: &str = "gpr_";
/// Organization, session, generation.
const NAMED_BYTES: usize = 16 + 16 + 4;
const PROOF_BYTES: usize = 32;

/// What a refresh token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The organization.
    pub organization: OrganizationId,
    /// The session.
    pub session: SessionId,
    /// Which of the session's tokens.
    pub generation: u32,
}

impl RefreshToken {
    /// The token; always the same.
    pub fn write(&self, sealer: &Sealer) -> String {
        let mut bytes = self.named().to_vec();
        bytes.extend_from_slice(&sealer.hash(REFRESH_TOKEN, self.named()));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token names, if it is one of ours.
    pub fn read(sealer: &Sealer, token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (named, proof) = bytes.split_first_chunk::<NAMED_BYTES>()?;
        let is_ours = proof.len() == PROOF_BYTES
            && bool::from(sealer.hash(REFRESH_TOKEN, named).ct_eq(proof));
        if !is_ours {
            return None;
        }
        let (organization, rest) = named.split_first_chunk::<16>()?;
        let (session, generation) = rest.split_first_chunk::<16>()?;
        Some(Self {
            organization: OrganizationId::new(Uuid::from_bytes(*organization)),
            session: SessionId::new(Uuid::from_bytes(*session)),
            generation: u32::from_be_bytes(generation.try_into().ok()?),
        })
    }

    /// The one that takes its place.
    pub fn successor(self) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            ..self
        }
    }

    fn named(&self) -> [u8; NAMED_BYTES] {
        let (organization, session) = (self.organization.uuid(), self.session.uuid());
        let parts = [organization.as_bytes(), session.as_bytes()];
        let bytes = parts.into_iter().flatten().copied();
        let mut named = [0; NAMED_BYTES];
        for (to, from) in named
            .iter_mut()
            .zip(bytes.chain(self.generation.to_be_bytes()))
        {
            *to = from;
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(byte: &str) -> Sealer {
        Sealer::new(&byte.repeat(32)).unwrap()
    }

    fn token(organization: u128, session: u128, generation: u32) -> RefreshToken {
        RefreshToken {
            organization: OrganizationId::new(Uuid::from_u128(organization)),
            session: SessionId::new(Uuid::from_u128(session)),
            generation,
        }
    }

    #[test]
    fn another_master_key_reads_nothing() {
        let text = token(1, 2, 3).write(&sealer("00"));
        assert_eq!(RefreshToken::read(&sealer("01"), &text), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(organization: u128, session: u128, generation: u32) {
            let (sealer, token) = (sealer("07"), token(organization, session, generation));
            let text = token.write(&sealer);
            prop_assert_eq!(&text, &token.write(&sealer));
            prop_assert_eq!(RefreshToken::read(&sealer, &text), Some(token));
        }

        #[test]
        fn one_that_was_touched_is_refused(at in 0_usize..68, bit in 0_u8..8, generation: u32) {
            let sealer = sealer("07");
            let text = token(1, 2, generation).write(&sealer);
            let mut bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX).unwrap()).unwrap();
            bytes[at] ^= 1 << bit;
            let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert_eq!(RefreshToken::read(&sealer, &forged), None);
        }

        #[test]
        fn anything_else_is_refused(text in "(gpr_)?[A-Za-z0-9_-]{0,200}") {
            prop_assert_eq!(RefreshToken::read(&sealer("07"), &text), None);
        }
    }
}
