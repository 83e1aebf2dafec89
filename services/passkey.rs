//! Passkeys (WebAuthn level 3): the ceremonies in which browsers make them and use them.
//!
//! Nothing of a ceremony is stored while it is under way: its state travels sealed, is good once,
//! and only for what it was begun for ([`Bound`]).

mod assertion;
mod ceremony;
mod own;
mod party;
mod registration;

pub use assertion::{begin as begin_assertion, check, handle_of, hash_of, read, shown_to};
pub use ceremony::{Bound, take};
pub use own::remove;
pub use party::RelyingParty;
pub use registration::{begin as begin_registration, finish as finish_registration, keep, name_of};

use gatepost_core::UserId;
use gatepost_proto::ErrorReason;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration, WebauthnError};

use crate::error::{Error, Result};
use crate::seal::Sealer;

/// What a browser is told at the beginning of a ceremony.
#[derive(Debug, Default)]
pub struct Begun {
    /// The ceremony, which comes back at its end.
    pub ceremony: String,
    /// What the browser asks the authenticator with, as JSON.
    pub options: String,
}

/// What comes back at the end.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The ceremony.
    pub ceremony: &'a str,
    /// What the authenticator made or signed, as JSON.
    pub credential: &'a str,
}

/// The state of a ceremony that uses a passkey.
pub type Assertion = DiscoverableAuthentication;
/// The state of a ceremony that makes one.
pub type Registration = PasskeyRegistration;

/// Why a ceremony came to nothing: for the log, and for nobody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its time is over, or it was begun for somebody or something else.
    Over,
    /// It was finished before.
    Replayed,
    /// Nobody has such a passkey, or somebody else.
    Unknown,
    /// It was signed for another site, ceremony or user.
    Foreign,
    /// The device did not verify its user.
    Unverified,
    /// Its counter says that there are two of it.
    Cloned,
    /// Passkeys do not count for this user.
    Uncounted,
    /// The signature is wrong, or what came is no such thing.
    Wrong,
}

impl Refusal {
    /// What the audit log says.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Over => "PASSKEY_CEREMONY_OVER",
            Self::Replayed => "PASSKEY_REPLAYED",
            Self::Unknown => "PASSKEY_UNKNOWN",
            Self::Foreign => "PASSKEY_FOREIGN",
            Self::Unverified => "PASSKEY_UNVERIFIED",
            Self::Cloned => "PASSKEY_CLONED",
            Self::Uncounted => "PASSKEY_UNCOUNTED",
            Self::Wrong => "PASSKEY_INVALID",
        }
    }
}

impl From<WebauthnError> for Refusal {
    fn from(error: WebauthnError) -> Self {
        tracing::debug!(?error, "a passkey is refused");
        let is_foreign = matches!(
            error,
            WebauthnError::MismatchedChallenge
                | WebauthnError::InvalidRPOrigin
                | WebauthnError::InvalidRPIDHash
                | WebauthnError::InvalidClientDataType
                | WebauthnError::CredentialCrossOrigin
        );
        let is_unverified = matches!(
            error,
            WebauthnError::UserNotPresent | WebauthnError::UserNotVerified
        );
        if is_foreign {
            Self::Foreign
        } else if is_unverified {
            Self::Unverified
        } else if matches!(error, WebauthnError::CredentialPossibleCompromise) {
            Self::Cloned
        } else {
            Self::Wrong
        }
    }
}

/// The one refusal of a passkey, whatever is wrong with it.
pub fn invalid() -> Error {
    let message = "the passkey is unknown, or what it signed is not good, or not any more";
    Error::new(ErrorReason::PasskeyInvalid, message)
}

/// What the public key of a passkey is sealed for: nobody's is another one's.
fn purpose(user: UserId) -> String {
    format!("passkey of {user}")
}

/// The library's passkey out of a row.
fn open(sealer: &Sealer, row: &gatepost_store::Passkey) -> Result<webauthn_rs::prelude::Passkey> {
    let plain = sealer.open(&purpose(row.user), &row.sealed)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

/// The library's passkey as a row keeps it.
fn seal(sealer: &Sealer, user: UserId, passkey: &webauthn_rs::prelude::Passkey) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(passkey).map_err(Error::internal)?;
    Ok(sealer.seal(&purpose(user), &plain)?)
}
