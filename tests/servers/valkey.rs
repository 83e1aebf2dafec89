//! A Valkey of a test's own.

use std::path::Path;
use std::process::Command;

use super::{Recipe, Server, start_on_some_port, temporary_folder, tool};

/// A running Valkey without persistence. Dropping it stops it.
pub struct Valkey {
    server: Server,
    port: u16,
}

impl Valkey {
    /// Starts a Valkey on a free port of 127.0.0.1.
    pub fn start() -> Self {
        let (server, port) = start_on_some_port(|port| {
            let folder = temporary_folder("valkey");
            let recipe = recipe(folder.path(), port);
            Server::start(folder, &recipe)
        });
        Self { server, port }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `valkey://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("valkey://127.0.0.1:{}", self.port)
    }

    /// Ends the server at once: connections break, new ones are refused, all data is lost.
    pub fn stop(&self) {
        self.server.say("stop");
    }

    /// Starts the server again after [`Valkey::stop`], empty, on the same port.
    pub fn restart(&self) {
        self.server.restart();
    }

    /// Freezes the server: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.server.say("pause");
    }

    /// Thaws the server after [`Valkey::pause`].
    pub fn resume(&self) {
        self.server.say("resume");
    }
}

fn recipe(folder: &Path, port: u16) -> Recipe {
    let mut command = Command::new(tool("GATEPOST_TEST_VALKEY_SERVER"));
    command.args([
        "--bind",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--save",
        "",
    ]);
    command
        .args(["--appendonly", "no", "--daemonize", "no", "--dir"])
        .arg(folder);
    Recipe {
        command,
        ready: "Ready to accept connections",
        hopeless: &["Failed listening", "Fatal error", "FATAL CONFIG"],
        stop_signal: "KILL",
    }
}
