//! A `PostgreSQL` cluster of a test's own, and databases in it.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Recipe, Server, start_on_some_port, temporary_folder, tool};

/// The roles of a real installation: one owns the tables, the other one serves.
const ROLES: &str = "
    create role gatepost_owner login nosuperuser nocreatedb nocreaterole nobypassrls;
    create role gatepost_server login nosuperuser nocreatedb nocreaterole nobypassrls;";

/// A running `PostgreSQL` that trusts every local connection. Dropping it stops it.
pub struct Postgres {
    server: Server,
    port: u16,
    databases: AtomicU32,
}

/// One fresh database, owned by `gatepost_owner`.
pub struct PostgresDatabase {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Connects as the owner of the tables, who migrates.
    pub owner_url: String,
    /// Connects as the serving role, who owns nothing and is bound by row-level security.
    pub server_url: String,
    /// Connects as a superuser, for tests that look behind the walls.
    pub superuser_url: String,
}

/// The cluster that all tests of this process share: its start is paid once.
///
/// A test that stops or pauses its server starts one of its own with [`Postgres::start`].
pub fn shared() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

impl Postgres {
    /// Makes a new cluster and starts it on a free port of 127.0.0.1; takes about two seconds.
    pub fn start() -> Self {
        let (server, port) = start_on_some_port(|port| {
            let folder = temporary_folder("postgres");
            make_cluster(folder.path());
            let recipe = recipe(folder.path(), port);
            Server::start(folder, &recipe)
        });
        let postgres = Self {
            server,
            port,
            databases: AtomicU32::new(0),
        };
        postgres.psql("postgres", ROLES);
        postgres
    }

    /// Creates an empty database.
    pub fn database(&self) -> PostgresDatabase {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("gatepost_{number}");
        self.psql(
            "postgres",
            &format!("create database {name} owner gatepost_owner"),
        );
        PostgresDatabase {
            owner_url: self.url("gatepost_owner", &name),
            server_url: self.url("gatepost_server", &name),
            superuser_url: self.url("postgres", &name),
            name,
        }
    }

    /// Runs SQL in `database` as a superuser; answers the rows, one a line, columns split by `|`.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let output = Command::new(program("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--command", sql])
            .args(["--dbname", &self.url("postgres", database)])
            .output()
            .expect("psql");
        let trouble = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "psql refused `{sql}`: {trouble}");
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    /// All rows of a database, as SQL.
    ///
    /// # Panics
    /// When they cannot be read.
    pub fn dump(&self, database: &str) -> String {
        let output = Command::new(program("pg_dump"))
            .args(["--data-only", "--inserts"])
            .args(["--dbname", &self.url("postgres", database)])
            .output()
            .expect("pg_dump");
        let trouble = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pg_dump: {trouble}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Ends the server at once, as a crash would: connections break, new ones are refused.
    pub fn stop(&self) {
        self.server.say("stop");
    }

    /// Starts the server again after [`Postgres::stop`], with its data, on the same port.
    pub fn restart(&self) {
        self.server.restart();
    }

    /// Freezes the server and all its connections: they stay open and nothing answers.
    pub fn pause(&self) {
        self.server.say("pause");
    }

    /// Thaws the server after [`Postgres::pause`].
    pub fn resume(&self) {
        self.server.say("resume");
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }
}

fn program(name: &str) -> PathBuf {
    tool("GATEPOST_TEST_POSTGRES_BIN").join(name)
}

/// `initdb` in `folder/data`, by the account that will run the server.
fn make_cluster(folder: &Path) {
    let data = folder.join("data");
    std::fs::create_dir(&data).expect("a data folder");
    if let Some(account) = account() {
        for path in [folder, &data] {
            chown(path, Some(account.user), Some(account.group)).expect("to give a folder away");
        }
    }
    let output = as_account("initdb")
        .args([
            "--username",
            "postgres",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
        ])
        .args(["--locale", "C.UTF-8", "--no-sync", "--pgdata"])
        .arg(&data)
        .current_dir(folder)
        .output()
        .expect("initdb");
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "initdb failed: {trouble}");
}

/// Nothing waits for the disk: a test cluster that loses power has nobody who misses it. Commits
/// still reach the operating system, so that they survive [`Postgres::stop`].
fn recipe(folder: &Path, port: u16) -> Recipe {
    let port = format!("port={port}");
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=200",
        "shared_buffers=64MB",
        "fsync=off",
        "jit=off",
        "lc_messages=C",
        &port,
    ];
    let mut command = as_account("postgres");
    command.arg("-D").arg(folder.join("data"));
    for setting in settings {
        command.args(["-c", setting]);
    }
    Recipe {
        command,
        ready: "database system is ready to accept connections",
        // Not every FATAL: who connects during the recovery from a crash is told so with one.
        hopeless: &[
            "could not create",
            "lock file",
            "configuration file",
            "database system is shut down",
        ],
        stop_signal: "QUIT",
    }
}

/// A user and a group of this machine, by number.
struct Account {
    user: u32,
    group: u32,
}

/// `PostgreSQL` refuses to run as root; then it runs as `postgres`, or as `nobody`.
fn account() -> Option<Account> {
    let process = std::fs::metadata("/proc/self").expect("/proc");
    if process.uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let named = |name: &str| {
        let line = accounts
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2);
        let user = numbers.next()?.parse().ok()?;
        let group = numbers.next()?.parse().ok()?;
        Some(Account { user, group })
    };
    Some(
        named("postgres")
            .or_else(|| named("nobody"))
            .expect("an account besides root"),
    )
}

/// A program of the server, run by [`account`] when there is one.
fn as_account(name: &str) -> Command {
    let Some(account) = account() else {
        return Command::new(program(name));
    };
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={}", account.user));
    command.arg(format!("--regid={}", account.group));
    command.arg("--clear-groups").arg(program(name));
    command
}
