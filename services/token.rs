//! Tokens: keys that sign them and take turns, and claims that go in. `gatepost-replica` checks
//! those that come back.

mod browser;
mod code;
mod keys;
mod refresh;
mod reset;
mod rotation;
mod sign;

pub use browser::BrowserToken;
pub use code::{Code, is_challenge};
pub use refresh::RefreshToken;
pub use reset::{ResetToken, Written};
pub use rotation::{PUBLIC_KEYS_KEPT_S, Rotation, make, make_aside};
pub use sign::Signer;
