//! What keeps snapshots fresh, verifies tokens and answers questions, over any source.
//!
//! The server has the database as its [`Source`], a sidecar and a product's own process have an
//! upstream server. Everything between there and the decision is here, once: which snapshot is
//! fresh enough ([`Snapshots`]), whose token that is ([`Verifier`]), who is asked about and what
//! the answer is ([`Gatekeeper`]). Nothing on the way of a decision touches the source.

mod ask;
pub mod clock;
mod error;
mod gatekeeper;
mod present;
mod recent;
mod remote;
mod snapshots;
mod source;
mod upstream;
mod verify;

pub use ask::{About, Answer, Ask, Product};
pub use error::{Error, Result};
pub use gatekeeper::{Caller, Gatekeeper};
pub use present::{Freshness, Present, Want};
pub use recent::{RECENT_MAX, RecentQuestion, recent_questions, remember_questions};
pub use remote::{Remote, RemoteConfig};
pub use snapshots::{News, SnapshotConfig, Snapshots};
pub use source::{FactParts, Hints, Source};
pub use upstream::{Installation, Upstream, UpstreamConfig};
pub use verify::{ACCESS_TYPE, Ending, ID_TYPE, ISSUERS, TOKEN_BYTES_MAX, Verified, Verifier};
