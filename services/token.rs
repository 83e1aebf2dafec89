//! Tokens: keys that sign them, and claims that go in. `gatepost-replica` checks those that come
//! back.

mod keys;
mod refresh;
mod sign;

pub use keys::generate;
pub use refresh::RefreshToken;
pub use sign::Signer;
