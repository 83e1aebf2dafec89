//! Pages of names, as the searches for resources and for actions answer them.

use gatepost_core::Attributes;
use gatepost_core::limits::PAGE_LIMIT_DEFAULT;
use gatepost_core::search::{Asked, Page};
use gatepost_replica::Product;

use crate::context::Caller;
use crate::error::Result;

/// What both searches ask.
pub struct Search<'a> {
    /// Who would do it, as Authorize takes it.
    pub sub: &'a str,
    /// The product.
    pub product: &'a str,
    /// What is said of the thing.
    pub attributes: &'a Attributes,
    /// Where to go on; empty at the beginning.
    pub cursor: &'a str,
    /// How many; 0 when the caller does not say.
    pub limit: i32,
}

/// A page of names, and where to go on.
pub fn names(
    caller: &Caller,
    search: &Search<'_>,
    find: impl FnOnce(Asked<'_>, Option<&str>, usize) -> Page<String, String>,
) -> Result<(Vec<String>, String)> {
    let about = caller.about(search.sub, search.product)?;
    let Product::Named(product) = about.product else {
        // Two places name a product each: nothing may be done on both.
        return Ok((Vec::new(), String::new()));
    };
    let asked = Asked {
        view: caller.present.view(),
        subject: about.subject,
        product,
        attributes: search.attributes,
    };
    let after = Some(search.cursor).filter(|cursor| !cursor.is_empty());
    let page = find(asked, after, limit(search.limit));
    Ok((page.found, page.next.unwrap_or_default()))
}

/// How many items a page has: what the caller says, which is validated, or the default.
pub fn limit(said: i32) -> usize {
    let said = u32::try_from(said).unwrap_or_default();
    let limit = if said == 0 { PAGE_LIMIT_DEFAULT } else { said };
    limit as usize
}
