//! Lists: which part is asked for, and what an answer says beside the items.

use gatepost_core::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};
use gatepost_store::{Cursor, Page, Walk};

use crate::error::{Error, Result};

/// Reads `page`, `limit` and `pageToken`.
///
/// # Errors
/// `INVALID_REQUEST` for a page token that no answer gave.
pub fn walk(page: i32, limit: i32, page_token: &str) -> Result<Walk> {
    let limit = match u32::try_from(limit).unwrap_or(0) {
        0 => PAGE_LIMIT_DEFAULT,
        limit => limit.min(PAGE_LIMIT_MAX),
    };
    if page_token.is_empty() {
        return Ok(Walk::Page {
            page: u32::try_from(page).unwrap_or(0).max(1),
            limit,
        });
    }
    let cursor: Cursor = page_token
        .parse()
        .map_err(|_| Error::invalid("pageToken", "no answer gave this `pageToken`"))?;
    Ok(Walk::After {
        cursor: Some(cursor),
        limit,
    })
}

/// What an answer says beside the items.
pub struct Numbers {
    /// The page, 0 in a walk.
    pub page: i32,
    /// Items on a page at the most.
    pub limit: i32,
    /// How many there are, absent in a walk.
    pub total: Option<i32>,
    /// Where the next page begins.
    pub next_page_token: String,
}

impl Numbers {
    /// The numbers of this part of a list.
    pub fn of<T>(walk: Walk, part: &Page<T>) -> Self {
        let (page, limit) = match walk {
            Walk::Page { page, limit } => (page, limit),
            Walk::After { limit, .. } => (0, limit),
        };
        Self {
            page: i32::try_from(page).unwrap_or(i32::MAX),
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            total: part
                .total
                .map(|total| i32::try_from(total).unwrap_or(i32::MAX)),
            next_page_token: part.next.map(|next| next.to_string()).unwrap_or_default(),
        }
    }
}

/// Makes the response of a list out of its items and its numbers.
macro_rules! listed {
    ($response:ident, $walk:expr, $part:expr, $items:expr) => {{
        let numbers = crate::identity::list::Numbers::of($walk, &$part);
        Ok($response {
            items: $items,
            page: numbers.page,
            limit: numbers.limit,
            total: numbers.total,
            next_page_token: numbers.next_page_token,
        })
    }};
}
pub(crate) use listed;
