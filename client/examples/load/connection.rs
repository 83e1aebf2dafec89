//! A connection of HTTP/2 that costs next to nothing, so that it is not itself what is measured.
//!
//! What is sent was encoded before. Of an answer only the frames are read: a unary call of gRPC
//! that went well has a message, one that failed has none.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::blocks::Blocks;
use crate::frames::{self, ACK, END_HEADERS, END_STREAM, Frame, Kind};

/// Large enough that no answer ever waits for a window.
const WINDOW_BYTES: u32 = 1 << 30;
/// A window is opened again after so many bytes.
const WINDOW_STEP_BYTES: u32 = 1 << 20;
/// The window of a connection of which nothing was said (RFC 9113 §6.9.2).
const WINDOW_BYTES_FIRST: i64 = 65_535;
/// Streams that may be open while nothing was said of it.
const STREAMS_FIRST: usize = 100;
const READ_BYTES: usize = 64 * 1024;

struct Open<T> {
    call: T,
    has_message: bool,
}

/// What became of a call.
pub type Outcome = Result<(), String>;

/// A connection; `T` says whose a call is.
pub struct Connection<T> {
    stream: TcpStream,
    out: Vec<u8>,
    buffer: Box<[u8]>,
    /// What was read of a frame that is not whole.
    input: Vec<u8>,
    /// Calls that may not be sent yet, with the number of their request.
    waiting: VecDeque<(T, usize)>,
    /// Open streams, the oldest first; of those between that have ended nothing is left.
    streams: VecDeque<Option<Open<T>>>,
    /// The number of the first of them.
    first_stream: u32,
    open: usize,
    open_max: usize,
    window: i64,
    read_since: u32,
}

impl<T: Copy> Connection<T> {
    /// Opens a connection, and makes a call whose answer nobody looks at: it tells the other end
    /// what the further ones refer to.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn open(address: SocketAddr, blocks: &Blocks, bodies: &[Vec<u8>]) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut out = frames::PREFACE.to_vec();
        let window = frames::setting(frames::INITIAL_WINDOW_SIZE, WINDOW_BYTES);
        frames::put(&mut out, Kind::Settings, 0, 0, &window);
        frames::put(
            &mut out,
            Kind::WindowUpdate,
            0,
            0,
            &WINDOW_BYTES.to_be_bytes(),
        );
        let mut connection = Self {
            stream,
            out,
            buffer: vec![0; READ_BYTES].into(),
            input: Vec::new(),
            waiting: VecDeque::new(),
            streams: VecDeque::new(),
            first_stream: 1,
            open: 0,
            open_max: STREAMS_FIRST,
            window: WINDOW_BYTES_FIRST,
            read_since: 0,
        };
        let body = bodies.first().map_or(&[][..], Vec::as_slice);
        connection.send(None, &blocks.first, body);
        Ok(connection)
    }

    /// A call that is to be sent as soon as may be.
    pub fn call(&mut self, call: T, request: usize) {
        self.waiting.push_back((call, request));
    }

    /// Calls that have no answer yet.
    pub fn calls(&self) -> usize {
        self.open + self.waiting.len()
    }

    /// Sends what may be sent, and reads what came; `ended` hears of every call that has ended.
    ///
    /// # Errors
    /// The connection is at its end.
    pub fn turn(
        &mut self,
        blocks: &Blocks,
        bodies: &[Vec<u8>],
        ended: &mut impl FnMut(T, Outcome),
    ) -> io::Result<()> {
        self.fill(blocks, bodies);
        self.write()?;
        self.read(ended)
    }

    fn fill(&mut self, blocks: &Blocks, bodies: &[Vec<u8>]) {
        while self.open < self.open_max {
            let Some(&(call, request)) = self.waiting.front() else {
                return;
            };
            let (Some(block), Some(body)) = (blocks.further.get(request), bodies.get(request))
            else {
                return;
            };
            if window(body) > self.window {
                return;
            }
            self.waiting.pop_front();
            let has_message = false;
            self.send(Some(Open { call, has_message }), block, body);
            self.open += 1;
        }
    }

    fn send(&mut self, open: Option<Open<T>>, block: &[u8], body: &[u8]) {
        // No connection lives for a thousand million calls.
        let ahead = u32::try_from(self.streams.len()).unwrap_or(u32::MAX);
        let stream = self.first_stream + 2 * ahead;
        frames::put(&mut self.out, Kind::Headers, END_HEADERS, stream, block);
        frames::put(&mut self.out, Kind::Data, END_STREAM, stream, body);
        self.window -= window(body);
        self.streams.push_back(open);
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, ended: &mut impl FnMut(T, Outcome)) -> io::Result<()> {
        let read = match self.stream.read(&mut self.buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            read => read?,
        };
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(self.buffer.get(..read).unwrap_or_default());
        let mut rest = input.as_slice();
        while let Some(frame) = Frame::next(&mut rest) {
            self.take(&frame, ended)?;
        }
        let used = input.len() - rest.len();
        input.drain(..used);
        self.input = input;
        Ok(())
    }

    fn take(&mut self, frame: &Frame<'_>, ended: &mut impl FnMut(T, Outcome)) -> io::Result<()> {
        match frame.kind {
            Some(Kind::Data) => {
                self.widen(frame.payload.len());
                if let Some(open) = self.stream(frame.stream).and_then(Option::as_mut) {
                    open.has_message |= !frame.payload.is_empty();
                }
            }
            Some(Kind::Reset) => {
                let outcome = format!("reset, error {}", frame.number());
                self.end(frame.stream, Some(outcome), ended);
            }
            Some(Kind::Settings) if !frame.has(ACK) => {
                for (name, value) in frames::settings(frame.payload) {
                    if name == frames::MAX_CONCURRENT_STREAMS {
                        self.open_max = usize::try_from(value).unwrap_or(usize::MAX);
                    }
                }
                frames::put(&mut self.out, Kind::Settings, ACK, 0, &[]);
            }
            Some(Kind::Ping) if !frame.has(ACK) => {
                frames::put(&mut self.out, Kind::Ping, ACK, 0, frame.payload);
            }
            Some(Kind::WindowUpdate) if frame.stream == 0 => {
                self.window += i64::from(frame.number());
            }
            Some(Kind::GoAway) => return Err(ErrorKind::ConnectionAborted.into()),
            _ => {}
        }
        if matches!(frame.kind, Some(Kind::Data | Kind::Headers)) && frame.has(END_STREAM) {
            self.end(frame.stream, None, ended);
        }
        Ok(())
    }

    fn stream(&mut self, stream: u32) -> Option<&mut Option<Open<T>>> {
        let place = stream.checked_sub(self.first_stream)? / 2;
        self.streams.get_mut(usize::try_from(place).ok()?)
    }

    fn end(&mut self, stream: u32, reset: Option<String>, ended: &mut impl FnMut(T, Outcome)) {
        let Some(open) = self.stream(stream).and_then(Option::take) else {
            return;
        };
        self.open -= 1;
        let outcome = match reset {
            Some(words) => Err(words),
            None if open.has_message => Ok(()),
            None => Err("the answer has no message".to_owned()),
        };
        ended(open.call, outcome);
        while let Some(None) = self.streams.front() {
            self.streams.pop_front();
            self.first_stream += 2;
        }
    }

    /// Lets the other end send as much again as it has sent.
    fn widen(&mut self, read: usize) {
        self.read_since += u32::try_from(read).unwrap_or(u32::MAX);
        if self.read_since >= WINDOW_STEP_BYTES {
            let step = std::mem::take(&mut self.read_since).to_be_bytes();
            frames::put(&mut self.out, Kind::WindowUpdate, 0, 0, &step);
        }
    }
}

fn window(body: &[u8]) -> i64 {
    i64::try_from(body.len()).unwrap_or(i64::MAX)
}
