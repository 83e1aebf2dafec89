//! Reset tokens: of a mailed link, with which somebody who forgot a password sets a new one.
//!
//! Nothing of one is stored. It proves twice: that we wrote it, which tells a link that is over
//! from a made-up one; and that password and address of the account are still those it was written
//! for. So a link works once, and not at all after the password was changed in whatever way.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::{OrganizationId, UserId};
use gatepost_store::User;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::seal::Sealer;

/// What one begins with, so that scanners find one that leaked.
const PREFIX: &str = "gpw_";
/// What it is hashed for.
const WRITTEN: &str = "reset token";
const OF_PASSWORD: &str = "reset token of a password";
/// Organization, user, end.
const NAMED_BYTES: usize = 16 + 16 + 8;
const PROOF_BYTES: usize = 32;

/// What a reset token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetToken {
    /// The organization.
    pub organization: OrganizationId,
    /// Whose password.
    pub user: UserId,
    /// Until when, in Unix seconds.
    pub until_s: i64,
}

/// One that we wrote; whether it still fits the account is to be asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// What it names.
    pub token: ResetToken,
    proof: Vec<u8>,
}

impl ResetToken {
    /// The token for this account as it is now.
    pub fn write(&self, sealer: &Sealer, user: &User) -> String {
        let mut bytes = self.named();
        bytes.extend(sealer.hash(WRITTEN, self.named()));
        bytes.extend(self.proof(sealer, user));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token names, if it is one of ours.
    pub fn read(sealer: &Sealer, text: &str) -> Option<Written> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (named, proofs) = bytes.split_first_chunk::<NAMED_BYTES>()?;
        let (written, proof) = proofs.split_first_chunk::<PROOF_BYTES>()?;
        let is_ours = bool::from(sealer.hash(WRITTEN, named).ct_eq(written));
        if !is_ours || proof.len() != PROOF_BYTES {
            return None;
        }
        let (organization, rest) = named.split_first_chunk::<16>()?;
        let (user, until_s) = rest.split_first_chunk::<16>()?;
        Some(Written {
            token: Self {
                organization: OrganizationId::new(Uuid::from_bytes(*organization)),
                user: UserId::new(Uuid::from_bytes(*user)),
                until_s: i64::from_be_bytes(until_s.try_into().ok()?),
            },
            proof: proof.to_vec(),
        })
    }

    fn named(&self) -> Vec<u8> {
        let mut named = self.organization.uuid().as_bytes().to_vec();
        named.extend_from_slice(self.user.uuid().as_bytes());
        named.extend_from_slice(&self.until_s.to_be_bytes());
        named
    }

    fn proof(&self, sealer: &Sealer, user: &User) -> Vec<u8> {
        let mut bound = self.named();
        bound.extend_from_slice(user.email_key.as_deref().unwrap_or_default().as_bytes());
        bound.push(0);
        bound.extend_from_slice(user.password_hash.0.as_bytes());
        sealer.hash(OF_PASSWORD, bound)
    }
}

impl Written {
    /// Whether password and address of the account are still those that it was written for.
    pub fn fits(&self, sealer: &Sealer, user: &User) -> bool {
        user.id == self.token.user && self.token.proof(sealer, user).ct_eq(&self.proof).into()
    }
}

#[cfg(test)]
mod tests {
    use gatepost_core::Status;
    use gatepost_store::PasswordHash;
    use time::OffsetDateTime;

    use super::*;

    fn user() -> User {
        User {
            id: UserId::new(Uuid::from_u128(2)),
            username: "Ann".to_owned(),
            username_key: "ann".to_owned(),
            email: Some("ann@example.com".to_owned()),
            email_key: Some("ann@example.com".to_owned()),
            email_verified: false,
            first_name: String::new(),
            last_name: String::new(),
            password_hash: PasswordHash("first".to_owned()),
            status: Status::Active,
            created_at: OffsetDateTime::UNIX_EPOCH,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn token() -> ResetToken {
        ResetToken {
            organization: OrganizationId::new(Uuid::from_u128(1)),
            user: user().id,
            until_s: 1_700_000_000,
        }
    }

    fn sealer(byte: &str) -> Sealer {
        Sealer::new(&byte.repeat(32)).unwrap()
    }

    #[test]
    fn one_fits_the_account_that_it_was_written_for() {
        let sealer = sealer("07");
        let text = token().write(&sealer, &user());
        let written = ResetToken::read(&sealer, &text).unwrap();
        assert_eq!(written.token, token());
        assert!(written.fits(&sealer, &user()));
        let password = User {
            password_hash: PasswordHash("second".to_owned()),
            ..user()
        };
        let address = User {
            email_key: Some("eve@example.com".to_owned()),
            ..user()
        };
        let another = User {
            id: UserId::new(Uuid::from_u128(3)),
            ..user()
        };
        for changed in [password, address, another] {
            assert!(!written.fits(&sealer, &changed));
        }
    }

    #[test]
    fn one_that_was_touched_is_worth_nothing() {
        let sealer = sealer("07");
        let text = token().write(&sealer, &user());
        assert_eq!(ResetToken::read(&self::sealer("08"), &text), None);
        let bytes = URL_SAFE_NO_PAD
            .decode(text.strip_prefix(PREFIX).unwrap())
            .unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(forged));
            let read = ResetToken::read(&sealer, &forged);
            assert!(read.is_none_or(|read| !read.fits(&sealer, &user())), "{at}");
        }
        let cut = text.get(..text.len() - 4).unwrap();
        for bad in ["", "gpw_", "gpw_AAAA", "gpr_AAAA", cut] {
            assert_eq!(ResetToken::read(&sealer, bad), None, "{bad}");
        }
    }
}
