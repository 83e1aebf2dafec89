//! Frames of HTTP/2 (RFC 9113 §4.1, §6), as far as a client of short calls needs them.

/// The client's first words (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Flag of `DATA` and `HEADERS`: nothing follows on the stream.
pub const END_STREAM: u8 = 0x1;
/// Flag of `HEADERS`: the block is whole.
pub const END_HEADERS: u8 = 0x4;
/// Flag of `SETTINGS` and `PING`.
pub const ACK: u8 = 0x1;
/// Setting: how many streams the other end may open.
pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
/// Setting: bytes that may be sent on a new stream.
pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
const HEAD_BYTES: usize = 9;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A part of a message.
    Data = 0x0,
    /// A head, or trailers.
    Headers = 0x1,
    /// The end of a stream before its time.
    Reset = 0x3,
    /// Limits of the other end.
    Settings = 0x4,
    /// A question whether we are there.
    Ping = 0x6,
    /// The end of the connection.
    GoAway = 0x7,
    /// More bytes may be sent.
    WindowUpdate = 0x8,
}

/// A frame that was read.
pub struct Frame<'a> {
    /// What it is; nothing if we have no use for it.
    pub kind: Option<Kind>,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// The rest.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes the next whole frame off the front.
    pub fn next(bytes: &mut &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let [a, b, c, kind, flags, stream @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
        let (payload, rest) = rest.split_at_checked(length)?;
        *bytes = rest;
        let kind = match kind {
            0x0 => Some(Kind::Data),
            0x1 => Some(Kind::Headers),
            0x3 => Some(Kind::Reset),
            0x4 => Some(Kind::Settings),
            0x6 => Some(Kind::Ping),
            0x7 => Some(Kind::GoAway),
            0x8 => Some(Kind::WindowUpdate),
            _ => None,
        };
        Some(Self {
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & (u32::MAX >> 1),
            payload,
        })
    }

    /// Whether it has this flag.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The first number of a payload.
    pub fn number(&self) -> u32 {
        let number = self.payload.first_chunk();
        u32::from_be_bytes(number.copied().unwrap_or_default())
    }
}

/// Writes a frame.
pub fn put(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
    // Ours are far shorter than the three bytes of a length can say.
    let [_, length @ ..] = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind as u8, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The settings in a payload (RFC 9113 §6.5.1).
pub fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    payload
        .as_chunks()
        .0
        .iter()
        .map(|&[a, b, value @ ..]: &[u8; 6]| {
            (u16::from_be_bytes([a, b]), u32::from_be_bytes(value))
        })
}

/// A setting as a payload.
pub fn setting(name: u16, value: u32) -> Vec<u8> {
    [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()
}
