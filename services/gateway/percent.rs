//! Percent-decoding (RFC 3986 §2.1) and the pairs of queries and forms.

/// Why a text cannot be decoded: `%` without two hexadecimal digits, or bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape;

/// What else is special beside `%`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A path segment: nothing.
    Segment,
    /// One of several segments of a variable: an escaped `/` stays escaped, so that it is told
    /// from one that parts segments.
    Segments,
    /// A query or form: `+` is a blank.
    Form,
}

/// Decodes a text once.
pub(super) fn decode(text: &str, dialect: Dialect) -> Result<String, BadEscape> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let (high, low) = (bytes.next(), bytes.next());
                let value = digit(high)
                    .zip(digit(low))
                    .map(|(high, low)| high * 16 + low);
                match value.ok_or(BadEscape)? {
                    b'/' if dialect == Dialect::Segments => decoded.extend_from_slice(b"%2F"),
                    value => decoded.push(value),
                }
            }
            b'+' if dialect == Dialect::Form => decoded.push(b' '),
            byte => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).map_err(|_| BadEscape)
}

fn digit(byte: Option<u8>) -> Option<u8> {
    let value = char::from(byte?).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Decodes a text of a form, or one that was encoded like one.
///
/// # Errors
/// [`BadEscape`].
pub fn form(text: &str) -> Result<String, BadEscape> {
    decode(text, Dialect::Form)
}

/// Decodes a text in which nothing but `%` is special.
///
/// # Errors
/// [`BadEscape`].
pub fn plain(text: &str) -> Result<String, BadEscape> {
    decode(text, Dialect::Segment)
}

/// The pairs of a query or of a form, in their order. Empty pieces are skipped.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, BadEscape> {
    let pieces = text.split('&').filter(|piece| !piece.is_empty());
    let pair = |piece: &str| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        Ok((decode(name, Dialect::Form)?, decode(value, Dialect::Form)?))
    };
    pieces.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Escapes every byte, the longest way there is.
    fn escape(text: &str) -> String {
        use std::fmt::Write as _;
        text.bytes().fold(String::new(), |mut escaped, byte| {
            let _ = write!(escaped, "%{byte:02x}");
            escaped
        })
    }

    #[test]
    fn decodes_once() {
        assert_eq!(decode("a%2520b", Dialect::Segment).as_deref(), Ok("a%20b"));
        assert_eq!(decode("a%2Fb", Dialect::Segment).as_deref(), Ok("a/b"));
        assert_eq!(decode("a%2fb", Dialect::Segments).as_deref(), Ok("a%2Fb"));
        assert_eq!(decode("a+b", Dialect::Segment).as_deref(), Ok("a+b"));
        assert_eq!(decode("a+b%2B", Dialect::Form).as_deref(), Ok("a b+"));
    }

    #[test]
    fn refuses_what_is_no_escape() {
        for bad in ["%", "%2", "%zz", "a%+1", "%ff", "%c3%28", "%é"] {
            assert_eq!(decode(bad, Dialect::Segment), Err(BadEscape), "{bad}");
        }
    }

    #[test]
    fn reads_pairs() {
        let expected = [("a", "1"), ("b", ""), ("", "c"), ("d e", "f=g")];
        let expected: Vec<_> = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        assert_eq!(pairs("a=1&b&=c&&d+e=f=g"), Ok(expected));
        assert_eq!(pairs("a=%"), Err(BadEscape));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = pairs(&text);
        }

        #[test]
        fn undoes_escaping(text in any::<String>()) {
            prop_assert_eq!(decode(&escape(&text), Dialect::Segment), Ok(text.clone()));
            let form = format!("x={}", escape(&text));
            prop_assert_eq!(pairs(&form), Ok(vec![("x".to_owned(), text)]));
        }
    }
}
