//! The program as a child process, in a folder of its own, with settings of its own.
#![cfg(test)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::rest::{PASSWORD, Rest};
use crate::servers::free_port;

/// How long a start, or a command, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// A folder and a port that the program may be started on again and again.
pub struct Home {
    folder: TempDir,
    /// Where it listens.
    pub port: u16,
}

/// A running program. Dropping it kills it.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    /// Calls to it.
    pub rest: Rest,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: Option<i32>,
    /// What it said.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// The program, as `cargo` has built it for this test.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_gatepost"))
}

impl Home {
    /// An empty folder and a free port.
    pub fn empty() -> Self {
        Self {
            folder: TempDir::with_prefix("gatepost-program-").unwrap(),
            port: free_port(),
        }
    }

    /// The folder of everything.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// A program with these settings and nothing else of this process's environment. It dies with
    /// the test, however the test ends.
    pub fn command(&self, program: &Path, settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GATEPOST_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("GATEPOST_DATA_DIR", self.data())
            .env("GATEPOST_METRICS_LISTEN", "off")
            .env("GATEPOST_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD)
            .envs(settings.iter().copied())
            .current_dir(self.path());
        command
    }

    /// Starts the server and waits until it is up.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn serve(&self, settings: &[(&str, &str)]) -> Running {
        let mut running = self.begin(settings);
        running.wait_until_up();
        running
    }

    /// Starts the server and does not wait.
    pub fn begin(&self, settings: &[(&str, &str)]) -> Running {
        let number = std::fs::read_dir(self.path()).unwrap().count();
        let stdout = self.path().join(format!("stdout-{number}"));
        let stderr = self.path().join(format!("stderr-{number}"));
        let child = self
            .command(&program(), settings)
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Running {
            child,
            stdout,
            stderr,
            rest: Rest::new(format!("http://127.0.0.1:{}", self.port)),
        }
    }

    /// Runs a command to its end, with `input` at its standard input.
    pub fn run(&self, arguments: &[&str], settings: &[(&str, &str)], input: &str) -> Ended {
        let mut command = self.command(&program(), settings);
        command.args(arguments);
        run(command, input)
    }

    /// A start that is refused: answers its one line.
    ///
    /// # Panics
    /// When it is not refused with exit code 1 and exactly one line.
    pub fn refusal(&self, settings: &[(&str, &str)]) -> String {
        let ended = self.run(&["serve"], settings, "");
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stdout, "", "{ended:?}");
        let line = ended.stderr.strip_suffix('\n').unwrap_or_default();
        assert!(!line.contains('\n') && !line.is_empty(), "{ended:?}");
        line.to_owned()
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it does not end in time.
pub fn run(mut command: Command, input: &str) -> Ended {
    let (stdout, stderr) = (
        tempfile::NamedTempFile::new().unwrap(),
        tempfile::NamedTempFile::new().unwrap(),
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(stdout.reopen().unwrap())
        .stderr(stderr.reopen().unwrap())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who does not read its input may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let status = wait(&mut child, PATIENCE);
    let ended = Ended {
        code: status.and_then(|status| status.code()),
        stdout: std::fs::read_to_string(stdout.path()).unwrap(),
        stderr: std::fs::read_to_string(stderr.path()).unwrap(),
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{command:?} does not end: {ended:?}");
    }
    ended
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Tries until it is so.
///
/// # Panics
/// When it does not become so in time.
pub fn until<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = check() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

impl Running {
    /// Waits until it is up.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn wait_until_up(&mut self) {
        let up = "gatepost is up";
        until(up, || {
            let log = self.stderr();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {log}");
            }
            log.contains(up).then_some(())
        });
    }

    /// What it has said so far.
    pub fn stdout(&self) -> String {
        std::fs::read_to_string(&self.stdout).unwrap()
    }

    /// Its log so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stderr).unwrap()).into_owned()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        wait(&mut self.child, patience)
            .unwrap_or_else(|| panic!("it does not end: {}", self.stderr()))
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already, and nobody is left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
