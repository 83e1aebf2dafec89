//! Second factors: what proves one, and the challenge between a password and its session.

mod codes;
mod present;
mod proof;
mod send;
mod set_up;
mod token;
mod totp;

pub use codes::{device_hash, new_device_token, new_recovery_codes};
pub use present::{Factors, Need};
pub use proof::{Presented, Refused, Verdict, check, check_pending, prove};
pub use send::{send_code, send_proof};
pub use set_up::{SetUp, Wish, first_recovery_codes, set_up};
pub use token::MfaToken;

use gatepost_core::UserId;
use gatepost_core::mfa::Method;
use gatepost_proto::ErrorReason;
use gatepost_store::{Actor, User};

use crate::error::Error;

/// The methods of a session that began with a password and nothing else (RFC 8176 §2).
pub const PASSWORD_ONLY: [&str; 1] = [gatepost_core::mfa::AMR_PASSWORD];

/// Reads a method out of a request whose rules allow only methods.
pub fn method_of(text: &str) -> Result<Method, Error> {
    Method::parse(text).ok_or_else(|| Error::invalid("mfaType", "no such second factor"))
}

/// A person, for the log.
pub fn actor(user: &User) -> Actor {
    Actor {
        kind: "user".into(),
        id: user.id.to_string(),
        name: user.username.clone(),
    }
}

/// The one refusal of a code, whatever is wrong with it.
pub fn wrong_code() -> Error {
    let message = "the code is wrong, or was used before";
    Error::new(ErrorReason::MfaCodeInvalid, message)
}

/// The one refusal of a challenge, whatever is wrong with it.
pub fn challenge_over() -> Error {
    let message = "the challenge is unknown or over; sign in again";
    Error::new(ErrorReason::MfaTokenInvalid, message)
}

/// What seals and hashes are bound to: nobody's row is another one's.
fn purpose(what: &str, user: UserId, method: Method) -> String {
    format!("{what} of {user} by {}", method.name())
}
