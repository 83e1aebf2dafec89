//! Tokens: keys that sign them, claims that go in, and the check of those that come back.

mod keys;
mod sign;
mod verify;

pub use keys::generate;
pub use sign::Signer;
pub use verify::{Verified, Verifier};

/// The `typ` of an access token (RFC 9068 §2.1).
pub const ACCESS_TYPE: &str = "at+jwt";
/// The `typ` of an ID token.
pub const ID_TYPE: &str = "JWT";
/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8192;
