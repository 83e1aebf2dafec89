//! A mail server of a test's own, which keeps what it is given.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Recipe, Server, repository_root, start_on_some_port, temporary_folder, tool};

/// How often and how long a mail is waited for: 400 × 50 ms = 20 s.
const CHECKS: u32 = 400;
const PAUSE: Duration = Duration::from_millis(50);

/// A running mail server. Dropping it stops it.
pub struct Smtp {
    server: Server,
    port: u16,
}

impl Smtp {
    /// Starts one on a free port of 127.0.0.1: `plain`, `starttls` or `tls`. What is encrypted
    /// needs the files of a certificate and of its key.
    pub fn start(mode: &str, certificate: Option<(&Path, &Path)>) -> Self {
        let (server, port) = start_on_some_port(|port| {
            let mut command = Command::new(tool("GATEPOST_TEST_PYTHON"));
            command
                .arg(repository_root().join("tests/tools/smtp-sink.py"))
                .args([&port.to_string(), mode]);
            if let Some((certificate, key)) = certificate {
                command.args([certificate, key]);
            }
            let recipe = Recipe {
                command,
                ready: "listening",
                hopeless: &["Traceback"],
                stop_signal: "KILL",
            };
            Server::start(temporary_folder("smtp"), &recipe)
        });
        Self { server, port }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The mail after so many, as JSON, when it comes.
    ///
    /// # Panics
    /// When it does not.
    pub fn mail(&self, count: usize) -> String {
        for _ in 0..CHECKS {
            if let Some(mail) = self.mails().into_iter().nth(count) {
                return mail;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("no mail came: {:?}", self.mails());
    }

    /// The mails that came so far.
    pub fn mails(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.server.folder.join("log")).unwrap_or_default();
        let lines = log.lines().filter(|line| line.starts_with('{'));
        lines.map(str::to_owned).collect()
    }
}
