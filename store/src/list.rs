//! Lists: a page with its total, or a walk at constant cost.

use std::fmt;
use std::str::FromStr;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use uuid::Uuid;

use crate::error::{Result, StoreError};
use crate::scope::Scope;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// A numbered page, with the total. The cost grows with the page number.
    Page {
        /// Which page, from 1.
        page: u32,
        /// How many items.
        limit: u32,
    },
    /// What follows a cursor, without a total. The cost is the same everywhere.
    After {
        /// Where to go on; `None` is the beginning.
        cursor: Option<Cursor>,
        /// How many items.
        limit: u32,
    },
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// How many there are in all; only of a numbered page.
    pub total: Option<u64>,
    /// Where to go on, when there is more.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The same part, of other items.
    pub(crate) fn try_map<U>(self, convert: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        Ok(Page {
            items: self.items.into_iter().map(convert).collect::<Result<_>>()?,
            total: self.total,
            next: self.next,
        })
    }
}

/// A place in a list: the last item that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The item's first sort key: its time in microseconds, or its sequence.
    pub at: i64,
    /// The item's id.
    pub id: Uuid,
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.at, self.id)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a list")]
pub struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseCursorError> {
        let (at, id) = text.split_once('.').ok_or(ParseCursorError)?;
        Ok(Self {
            at: at.parse().map_err(|_| ParseCursorError)?,
            id: id.parse().map_err(|_| ParseCursorError)?,
        })
    }
}

/// The two columns that a list is ordered by, and which way.
pub(crate) struct Sorting<C> {
    /// First key: not unique.
    pub at: C,
    /// Second key: unique.
    pub id: C,
    /// Whether both descend; else both ascend.
    pub descending: bool,
}

/// Takes one part of what `select` selects. `place` tells an item's place.
pub(crate) async fn walk<E>(
    scope: &Scope,
    select: Select<E>,
    sorting: Sorting<E::Column>,
    walk: Walk,
    place: impl Fn(&E::Model) -> Cursor,
) -> Result<Page<E::Model>>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    let database = scope.database();
    let Sorting { at, id, descending } = sorting;
    let order = if descending { Order::Desc } else { Order::Asc };
    let mut total = None;
    let (select, limit) = match walk {
        Walk::Page { page, limit } => {
            let count = select
                .clone()
                .count(database)
                .await
                .map_err(StoreError::from)?;
            total = Some(count);
            let offset = u64::from(page.saturating_sub(1)) * u64::from(limit);
            (select.offset(offset), limit)
        }
        Walk::After {
            cursor: None,
            limit,
        } => (select, limit),
        Walk::After {
            cursor: Some(cursor),
            limit,
        } => {
            let keys = Expr::tuple([Expr::col(at.as_column_ref()), Expr::col(id.as_column_ref())]);
            let place = Expr::tuple([Expr::val(cursor.at), Expr::val(cursor.id)]);
            let beyond = if descending {
                keys.lt(place)
            } else {
                keys.gt(place)
            };
            (select.filter(beyond), limit)
        }
    };
    let mut items = select
        .order_by(at, order.clone())
        .order_by(id, order)
        .limit(u64::from(limit) + 1)
        .all(database)
        .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(place) } else { None };
    Ok(Page { items, total, next })
}
