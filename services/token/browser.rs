//! The cookie of a browser that is signed in: which session, and the proof that we wrote that.
//!
//! It is derived like a refresh token, for a purpose of its own: neither passes for the other.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{OrganizationId, SessionId};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::seal::Sealer;

/// What cookies are hashed for.
const PURPOSE: &str = "browser session";
/// Organization and session.
const NAMED_BYTES: usize = 16 + 16;

/// What a browser's cookie names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrowserToken {
    /// The organization.
    pub organization: OrganizationId,
    /// The session.
    pub session: SessionId,
}

impl BrowserToken {
    /// The cookie's value; always the same.
    pub fn write(&self, sealer: &Sealer) -> String {
        let (organization, session) = (self.organization.uuid(), self.session.uuid());
        let mut bytes = [organization.into_bytes(), session.into_bytes()].concat();
        let proof = sealer.hash(PURPOSE, &bytes);
        bytes.extend_from_slice(&proof);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a cookie names, if we wrote it.
    pub fn read(sealer: &Sealer, value: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (named, proof) = bytes.split_first_chunk::<NAMED_BYTES>()?;
        if !bool::from(sealer.hash(PURPOSE, named).ct_eq(proof)) {
            return None;
        }
        let (organization, session) = named.split_first_chunk::<16>()?;
        Some(Self {
            organization: OrganizationId::new(Uuid::from_bytes(*organization)),
            session: SessionId::new(Uuid::from_slice(session).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::RefreshToken;

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else(one: u128, other: u128, text in ".{0,120}") {
            let sealer = Sealer::new(&"00".repeat(32)).unwrap();
            let token = BrowserToken {
                organization: OrganizationId::new(Uuid::from_u128(one)),
                session: SessionId::new(Uuid::from_u128(other)),
            };
            prop_assert_eq!(BrowserToken::read(&sealer, &token.write(&sealer)), Some(token));
            prop_assert_eq!(BrowserToken::read(&sealer, &text), None);
        }
    }

    #[test]
    fn a_cookie_is_ours_and_no_refresh_token() {
        let sealer = |byte: &str| Sealer::new(&byte.repeat(32)).unwrap();
        let (ours, other) = (sealer("00"), sealer("01"));
        let token = BrowserToken {
            organization: OrganizationId::new(Uuid::from_u128(1)),
            session: SessionId::new(Uuid::from_u128(2)),
        };
        let value = token.write(&ours);
        assert_eq!(BrowserToken::read(&ours, &value), Some(token));
        assert_eq!(BrowserToken::read(&other, &value), None);
        assert_eq!(RefreshToken::read(&ours, &format!("gpr_{value}")), None);
        for at in 0..value.len() {
            let mut forged = value.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(BrowserToken::read(&ours, &forged), None);
        }
    }
}
