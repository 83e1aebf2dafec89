//! Real servers for tests: `PostgreSQL` and Valkey, each on a free port in a temporary folder.
//!
//! The programs are the ones `tests/tools/prepare` found or installed; [`tool`] reads its list.
//! A server is run by a small shell supervisor that listens on a pipe from this process. When the
//! pipe closes, however this process ended, the supervisor stops its server and removes the folder:
//! nothing outlives a test run, not after a panic, not after `kill -9`, not in a `static`.
//!
//! Trouble with a server is a failed test, never a skipped one: these functions panic with the
//! reason. Declare this module as `pub mod servers;`: then what one test binary does not use is
//! not dead code there.
#![cfg(test)]

pub mod postgres;
pub mod proxy;
pub mod smtp;
pub mod valkey;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

/// `sh` program: `FOLDER QUICK-STOP-SIGNAL COMMAND…`, words on stdin, one answer line for each.
const SUPERVISOR: &str = include_str!("supervisor.sh");

/// How often and how long a start is waited for: 600 × 50 ms = 30 s.
const READY_CHECKS: u32 = 600;
const READY_PAUSE: Duration = Duration::from_millis(50);

/// The path of a test tool by its key in `target/test-tools/env`; the process environment wins.
///
/// # Panics
/// When neither names it: then the tools were not prepared.
pub fn tool(key: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(key) {
        return path.into();
    }
    let list = repository_root().join("target/test-tools/env");
    let text = std::fs::read_to_string(&list).unwrap_or_default();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let Some(value) = value else {
        panic!(
            "{key} is not known: run `make test` (or `tests/tools/prepare` once), it writes {}",
            list.display()
        );
    };
    value.into()
}

/// The folder that holds `Cargo.lock`, from whichever package compiles this file.
///
/// # Panics
/// Outside a checkout of this repository.
pub fn repository_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file());
    root.expect("a package of this repository").to_path_buf()
}

/// A TCP port of the loopback address that was free a moment ago.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// What differs between one kind of server and another.
struct Recipe {
    command: Command,
    /// Line of the log that says "come in".
    ready: &'static str,
    /// Words of the log that say "this will not work".
    hopeless: &'static [&'static str],
    /// Signal by which the server stops at once, without `SIG`.
    stop_signal: &'static str,
}

/// One server process under its supervisor. Dropping it stops the server and removes its folder.
struct Server {
    folder: PathBuf,
    ready: &'static str,
    hopeless: &'static [&'static str],
    wire: Mutex<Wire>,
}

struct Wire {
    supervisor: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Hands `folder` over to a new supervisor and starts the server; `Err` holds its log.
    fn start(folder: TempDir, recipe: &Recipe) -> Result<Self, String> {
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(folder.path())
            .arg(recipe.stop_signal)
            .arg(recipe.command.get_program())
            .args(recipe.command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Its own group, so that Ctrl-C at the terminal does not end it before its work.
            .process_group(0)
            .spawn()
            .expect("sh");
        let folder = folder.keep();
        let words = supervisor.stdin.take();
        let answers = BufReader::new(supervisor.stdout.take().expect("a piped stdout"));
        let wire = Mutex::new(Wire {
            supervisor,
            words,
            answers,
        });
        let server = Self {
            folder,
            ready: recipe.ready,
            hopeless: recipe.hopeless,
            wire,
        };
        server.say("start");
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Starts the server again after [`Server::say`]`("stop")`, on the same port and data.
    fn restart(&self) {
        self.say("start");
        if let Err(log) = self.wait_until_ready() {
            panic!("the server did not start again:\n{log}");
        }
    }

    /// Sends a word to the supervisor and waits until it is done.
    fn say(&self, word: &str) {
        let mut wire = self.wire.lock().expect("no panic while a word was sent");
        let words = wire.words.as_mut().expect("a live supervisor");
        writeln!(words, "{word}").expect("a supervisor that listens");
        let mut answer = String::new();
        wire.answers
            .read_line(&mut answer)
            .expect("a supervisor that answers");
        assert_eq!(answer.trim(), "done", "the supervisor refused `{word}`");
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let mut log = String::new();
        for _ in 0..READY_CHECKS {
            let bytes = std::fs::read(self.folder.join("log")).unwrap_or_default();
            log = String::from_utf8_lossy(&bytes).into_owned();
            if log.contains(self.ready) {
                return Ok(());
            }
            if self.hopeless.iter().any(|word| log.contains(word)) {
                break;
            }
            std::thread::sleep(READY_PAUSE);
        }
        Err(log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(wire) = self.wire.get_mut() {
            drop(wire.words.take());
            // The supervisor ends by itself; waiting only keeps tests from piling up servers.
            let _ = wire.supervisor.wait();
        }
    }
}

/// A temporary folder; the supervisor removes it later.
fn temporary_folder(kind: &str) -> TempDir {
    let prefix = format!("gatepost-{kind}-");
    tempfile::TempDir::with_prefix(prefix).expect("a temporary folder")
}

/// A server can lose its port to another process between choice and bind; so try a few.
fn start_on_some_port(mut attempt: impl FnMut(u16) -> Result<Server, String>) -> (Server, u16) {
    let mut log = String::new();
    for _ in 0..3 {
        let port = free_port();
        match attempt(port) {
            Ok(server) => return (server, port),
            Err(text) => log = text,
        }
    }
    panic!("a test server does not start; its log:\n{log}");
}
