//! A wire that can be cut: TCP between a replica and its database.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(2);

const FORWARD: u8 = 0;
const STALL: u8 = 1;
const REFUSE: u8 = 2;

/// The wire. Dropping it cuts it for good.
pub struct Proxy {
    /// Where to connect instead of to the target.
    pub port: u16,
    wire: Arc<Wire>,
}

struct Wire {
    target: u16,
    mode: AtomicU8,
    /// Connections from before this one are lost for good.
    oldest: AtomicUsize,
    accepted: AtomicUsize,
    rollbacks: AtomicU64,
    /// Of each transaction of a writer that ended, how often it waited for an answer.
    waits: Mutex<Vec<u32>>,
    /// A client and its server, a client and its server.
    streams: Mutex<Vec<TcpStream>>,
    closed: AtomicBool,
}

impl Proxy {
    /// A wire to a port of this machine.
    pub fn new(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Wire {
            target,
            mode: AtomicU8::new(FORWARD),
            oldest: AtomicUsize::new(0),
            accepted: AtomicUsize::new(0),
            rollbacks: AtomicU64::new(0),
            waits: Mutex::default(),
            streams: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&wire);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { port, wire }
    }

    /// Nothing passes any more, and nothing is closed: packets are lost.
    pub fn stall(&self) {
        self.wire.mode.store(STALL, Ordering::SeqCst);
    }

    /// Every connection is closed, and so is every new one: nobody listens there.
    pub fn refuse(&self) {
        self.wire.mode.store(REFUSE, Ordering::SeqCst);
        self.wire.hang_up();
    }

    /// Everything passes again, also what waited.
    pub fn heal(&self) {
        self.wire.mode.store(FORWARD, Ordering::SeqCst);
    }

    /// New connections pass again; who made the old ones never hears of them, as when another
    /// machine takes over the address. At the other end they are over, with all that they held.
    pub fn fail_over(&self) {
        let accepted = self.wire.accepted.load(Ordering::SeqCst);
        self.wire.oldest.store(accepted, Ordering::SeqCst);
        self.heal();
        let streams = self.wire.streams.lock().unwrap();
        for server in streams.iter().skip(1).step_by(2) {
            // It may be closed already.
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// How often each transaction that was committed since this was asked last had to wait for an
    /// answer of the database, its begin and its end included.
    pub fn take_waits(&self) -> Vec<u32> {
        std::mem::take(&mut *self.wire.waits.lock().unwrap())
    }

    /// How many transactions of readers have ended.
    pub fn rollbacks(&self) -> u64 {
        self.wire.rollbacks.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.closed.store(true, Ordering::SeqCst);
        self.wire.hang_up();
        // Wakes the listener, so that it sees.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

fn accept(listener: &TcpListener, wire: &Arc<Wire>) {
    while let Ok((client, _)) = listener.accept() {
        if wire.closed.load(Ordering::SeqCst) {
            return;
        }
        if wire.mode.load(Ordering::SeqCst) == REFUSE {
            continue;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, wire.target)) else {
            continue;
        };
        let number = wire.accepted.fetch_add(1, Ordering::SeqCst);
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let talk = Arc::new(Mutex::new(Talk::default()));
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (wire, talk) = (Arc::clone(wire), Arc::clone(&talk));
            std::thread::spawn(move || wire.copy(number, &talk, from, to));
        }
        wire.streams.lock().unwrap().extend([client, server]);
    }
}

/// What passes over one connection.
#[derive(Default)]
struct Talk {
    /// Whether the database spoke last.
    answered: bool,
    /// How often it was asked anew since the transaction began.
    waits: u32,
}

impl Talk {
    /// Takes note of some bytes; the waits of a transaction that they commit.
    fn note(&mut self, is_asked: bool, bytes: &[u8]) -> Option<u32> {
        let has = |word: &[u8]| bytes.windows(word.len()).any(|some| some == word);
        // A long question comes in several pieces.
        let is_new = std::mem::replace(&mut self.answered, !is_asked) && is_asked;
        self.waits += u32::from(is_new);
        if is_asked && has(b"BEGIN") {
            self.waits = 1;
        }
        (is_asked && has(b"COMMIT")).then_some(self.waits)
    }
}

impl Wire {
    fn copy(&self, number: usize, talk: &Mutex<Talk>, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..length];
            let is_asked = to.peer_addr().is_ok_and(|peer| peer.port() == self.target);
            if is_asked {
                let ends = bytes.windows(8).filter(|word| word == b"ROLLBACK").count();
                self.rollbacks.fetch_add(ends as u64, Ordering::SeqCst);
            }
            let waited = talk.lock().unwrap().note(is_asked, bytes);
            self.waits.lock().unwrap().extend(waited);
            while self.holds_back(number) {
                std::thread::sleep(PAUSE);
            }
            if self.closed.load(Ordering::SeqCst) || to.write_all(bytes).is_err() {
                break;
            }
        }
        while self.holds_back(number) {
            std::thread::sleep(PAUSE);
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    fn holds_back(&self, number: usize) -> bool {
        let lost = number < self.oldest.load(Ordering::SeqCst);
        let stalled = self.mode.load(Ordering::SeqCst) == STALL;
        (lost || stalled) && !self.closed.load(Ordering::SeqCst)
    }

    fn hang_up(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
