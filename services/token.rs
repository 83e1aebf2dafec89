//! Tokens: keys that sign them, and claims that go in. `gatepost-replica` checks those that come
//! back.

mod keys;
mod sign;

pub use keys::generate;
pub use sign::Signer;
