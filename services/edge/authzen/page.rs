//! Pages of a search (Authorization API 1.0 §8.2): a token says where to go on, and of which query.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use gatepost_core::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::Evaluation;
use crate::context::Caller;
use crate::error::{Error, Result};

/// Bytes of a query's hash in a token: enough to tell queries apart, and no secret.
const HASH_BYTES: usize = 16;

/// Which page is wanted.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

/// A query, by what a token remembers of it.
pub struct Query([u8; HASH_BYTES]);

impl Query {
    /// Of this caller's organization, of this kind.
    pub fn new(caller: &Caller, kind: &str, evaluation: &Evaluation) -> Self {
        // What was read from JSON can be written as JSON.
        let said = serde_json::to_vec(evaluation).unwrap_or_default();
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(caller.organization().uuid().as_bytes());
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(&said);
        let mut hash = [0; HASH_BYTES];
        let bytes = context.finish();
        hash.iter_mut()
            .zip(bytes.as_ref())
            .for_each(|(byte, from)| *byte = *from);
        Self(hash)
    }

    /// After what to go on, if this is not the first page.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a token of another query, or none.
    pub fn after(&self, wanted: &Wanted) -> Result<Option<String>> {
        let token = wanted.token.as_deref().filter(|token| !token.is_empty());
        let Some(token) = token else {
            return Ok(None);
        };
        let bytes = BASE64.decode(token).ok();
        let parts = bytes
            .as_deref()
            .and_then(|bytes| bytes.split_at_checked(HASH_BYTES));
        let last = parts
            .filter(|(hash, _)| *hash == self.0)
            .and_then(|(_, last)| str::from_utf8(last).ok());
        let other = || Error::invalid("page.token", "the token is of another query, or none");
        last.map(|last| Some(last.to_owned())).ok_or_else(other)
    }

    /// An answer: what was found, and the token of the next page, empty at the end.
    pub fn answer(&self, found: impl IntoIterator<Item = Value>, next: Option<&str>) -> Value {
        let found: Vec<Value> = found.into_iter().collect();
        let token = next.map(|last| BASE64.encode([&self.0, last.as_bytes()].concat()));
        let page = json!({ "next_token": token.unwrap_or_default(), "count": found.len() });
        json!({ "results": found, "page": page })
    }
}

impl Wanted {
    /// How many at the most.
    pub fn limit(&self) -> usize {
        let limit = self.limit.filter(|limit| *limit > 0);
        limit.unwrap_or(PAGE_LIMIT_DEFAULT).min(PAGE_LIMIT_MAX) as usize
    }
}
