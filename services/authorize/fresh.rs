//! How fresh an answer must be, and how fresh it is: the contract's words for it.

use std::time::Duration;

use gatepost_core::Revision;
use gatepost_proto::authorize::v1::{Consistency, Freshness};
use gatepost_replica::Want;
use tonic::metadata::MetadataMap;

use crate::error::{Error, Result};
use crate::run::min_revision;

/// What a question wants; its metadata may name a least revision, too.
///
/// # Errors
/// `INVALID_REQUEST` when it wants a least revision and names none.
pub fn want(metadata: &MetadataMap, least: Revision, consistency: Consistency) -> Result<Want> {
    let least = min_revision(metadata)?.max(least);
    let want = Want::at_least(least);
    match consistency {
        Consistency::AtLeast if least == 0 => Err(Error::invalid(
            "minRevision",
            "this consistency needs a revision",
        )),
        Consistency::Unspecified | Consistency::Bounded | Consistency::AtLeast => Ok(want),
        Consistency::Fresh => Ok(want.and_fully_fresh()),
    }
}

/// What is proven of an answer.
pub fn freshness(freshness: gatepost_replica::Freshness) -> Freshness {
    let milliseconds = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    Freshness {
        age_ms: milliseconds(freshness.age),
        lag_ms: milliseconds(freshness.lag),
        bound_ms: milliseconds(freshness.bound),
    }
}
