//! Times in columns: microseconds since 1970 UTC, so that both engines sort and compare them alike.

use time::OffsetDateTime;

use crate::error::{Result, StoreError};

/// Microseconds since 1970; the store keeps no finer time.
pub(crate) fn micros(time: OffsetDateTime) -> i64 {
    // Years 1 to 9999 fit easily.
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX)
}

/// The time of a column.
pub(crate) fn instant(micros: i64, table: &'static str, id: &str) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).map_err(|_| {
        StoreError::Corrupt {
            table,
            column: "time",
            id: id.to_owned(),
        }
    })
}

/// The time of a column that may be empty.
pub(crate) fn maybe_instant(
    micros: Option<i64>,
    table: &'static str,
    id: &str,
) -> Result<Option<OffsetDateTime>> {
    micros.map(|micros| instant(micros, table, id)).transpose()
}
