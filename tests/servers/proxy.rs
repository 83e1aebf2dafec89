//! Proxies of a test's own, from the samples of `docs/samples` with other ports.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::{
    READY_CHECKS, READY_PAUSE, Recipe, Server, repository_root, start_on_some_port,
    temporary_folder, tool,
};

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Envoy.
    Envoy,
    /// nginx.
    Nginx,
    /// Traefik.
    Traefik,
    /// Caddy.
    Caddy,
}

/// A running proxy. Dropping it stops it.
pub struct Proxy {
    server: Server,
    port: u16,
}

impl Kind {
    /// Its files in `docs/samples`, the one that it is started with first.
    fn samples(self) -> &'static [&'static str] {
        match self {
            Self::Envoy => &["envoy.yaml"],
            Self::Nginx => &["nginx.conf"],
            Self::Traefik => &["traefik.yaml", "traefik-routes.yaml"],
            Self::Caddy => &["Caddyfile"],
        }
    }

    fn recipe(self, folder: &Path) -> Recipe {
        let file = folder.join(self.samples()[0]);
        let (key, arguments): (_, &[&str]) = match self {
            Self::Envoy => (
                "GATEPOST_TEST_ENVOY",
                &["--disable-hot-restart", "--concurrency", "1", "-l", "info"],
            ),
            Self::Nginx => (
                "GATEPOST_TEST_NGINX",
                &[
                    "-e",
                    "stderr",
                    "-g",
                    "daemon off; master_process off; error_log stderr notice;",
                ],
            ),
            Self::Traefik => ("GATEPOST_TEST_TRAEFIK", &[]),
            Self::Caddy => ("GATEPOST_TEST_CADDY", &["run", "--adapter", "caddyfile"]),
        };
        // The supervisor hands its own folder on, and samples name files beside themselves.
        let mut command = Command::new("env");
        command.arg("-C").arg(folder).arg(tool(key)).args(arguments);
        match self {
            Self::Envoy => command.arg("-c").arg(file),
            Self::Nginx => command.arg("-p").arg(folder).arg("-c").arg(file),
            Self::Traefik => {
                let mut flag = std::ffi::OsString::from("--configFile=");
                flag.push(file);
                command.arg(flag)
            }
            Self::Caddy => command.arg("--config").arg(file),
        };
        Recipe {
            command,
            ready: match self {
                Self::Envoy => "starting main dispatch loop",
                Self::Nginx => "getrlimit",
                Self::Traefik => "Starting provider *file.Provider",
                Self::Caddy => "serving initial configuration",
            },
            hopeless: match self {
                Self::Envoy => &["error initializing", "exiting", "cannot bind"],
                Self::Nginx => &["[emerg]"],
                Self::Traefik => &["error"],
                Self::Caddy => &["Error:"],
            },
            stop_signal: "KILL",
        }
    }
}

impl Proxy {
    /// Starts a proxy from its sample, before a product and with a Gatepost at these ports.
    pub fn start(kind: Kind, product: u16, gatepost: u16) -> Self {
        Self::start_with(kind, product, gatepost, |sample| sample)
    }

    /// The same, from a sample that is changed first.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(
        kind: Kind,
        product: u16,
        gatepost: u16,
        change: impl Fn(String) -> String,
    ) -> Self {
        let (server, port) = start_on_some_port(|port| {
            let folder = temporary_folder("proxy");
            for name in kind.samples() {
                let sample = repository_root().join("docs/samples").join(name);
                let text = std::fs::read_to_string(sample).expect("a sample");
                // First the names of all, so that no new port is taken for an old one.
                let ports = [("4000", gatepost), ("8080", product), ("10000", port)];
                let text = ports
                    .iter()
                    .zip('A'..)
                    .fold(text, |text, ((old, _), mark)| {
                        text.replace(old, &format!("<{mark}>"))
                    });
                let text = ports
                    .iter()
                    .zip('A'..)
                    .fold(text, |text, ((_, new), mark)| {
                        text.replace(&format!("<{mark}>"), &new.to_string())
                    });
                std::fs::write(folder.path().join(name), change(text)).expect("a file");
            }
            let recipe = kind.recipe(folder.path());
            Server::start(folder, &recipe)
        });
        let proxy = Self { server, port };
        proxy.wait_until_it_listens();
        proxy
    }

    fn wait_until_it_listens(&self) {
        for _ in 0..READY_CHECKS {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(READY_PAUSE);
        }
        panic!("the proxy does not listen; its log:\n{}", self.log());
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.server.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
