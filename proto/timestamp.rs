//! `google.protobuf.Timestamp` with its canonical JSON: RFC 3339 in UTC, written with `Z` and with
//! 0, 3, 6 or 9 digits of a second.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since the epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds since that second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        let nanos = i32::try_from(at.nanosecond()).unwrap_or_default();
        Self {
            seconds: at.unix_timestamp(),
            nanos,
        }
    }
}

impl Timestamp {
    /// The moment, if a calendar has it.
    pub fn moment(self) -> Option<OffsetDateTime> {
        let nanos = u32::try_from(self.nanos).ok()?;
        OffsetDateTime::from_unix_timestamp(self.seconds)
            .ok()?
            .replace_nanosecond(nanos)
            .ok()
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = self
            .moment()
            .ok_or_else(|| S::Error::custom("no such moment"))?;
        let (date, [hour, minute, second]) = (at.date(), [at.hour(), at.minute(), at.second()]);
        let fraction = match at.nanosecond() {
            0 => String::new(),
            nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
            nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
            nanos => format!(".{nanos:09}"),
        };
        serializer.collect_str(&format_args!(
            "{date}T{hour:02}:{minute:02}:{second:02}{fraction}Z"
        ))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Timestamp;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an RFC 3339 time")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
                let at = OffsetDateTime::parse(text, &Rfc3339).map_err(E::custom)?;
                Ok(at.into())
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(seconds: i64, nanos: i32) -> String {
        serde_json::to_string(&Timestamp { seconds, nanos }).unwrap()
    }

    #[test]
    fn the_json_is_canonical() {
        assert_eq!(json(0, 0), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(
            json(1_795_312_143, 5_000_000),
            "\"2026-11-22T01:49:03.005Z\""
        );
        assert_eq!(
            json(1_795_312_143, 5_000),
            "\"2026-11-22T01:49:03.000005Z\""
        );
        assert_eq!(json(1_795_312_143, 5), "\"2026-11-22T01:49:03.000000005Z\"");
    }

    #[test]
    fn any_offset_is_read() {
        let at: Timestamp = serde_json::from_str("\"2026-11-22T02:49:03.5+01:00\"").unwrap();
        assert_eq!(
            at,
            Timestamp {
                seconds: 1_795_312_143,
                nanos: 500_000_000
            }
        );
        assert!(serde_json::from_str::<Timestamp>("\"yesterday\"").is_err());
    }

    #[test]
    fn a_moment_that_no_calendar_has_is_an_error() {
        assert!(
            serde_json::to_string(&Timestamp {
                seconds: i64::MAX,
                nanos: 0
            })
            .is_err()
        );
        assert!(
            serde_json::to_string(&Timestamp {
                seconds: 0,
                nanos: -1
            })
            .is_err()
        );
    }
}
