"""PostgreSQL and Valkey as `tests/tools/prepare` finds them, each in a folder of its own."""

import os
import pwd
import subprocess
import tempfile

import host

ROLES = """
create role gatepost_owner login nosuperuser nocreatedb nocreaterole nobypassrls;
create role gatepost_server login nosuperuser nocreatedb nocreaterole nobypassrls;
"""
# Nobody misses this database; commit times are read to know when a revocation was committed.
SETTINGS = """
listen_addresses=127.0.0.1 unix_socket_directories= max_connections=60 shared_buffers=1GB
fsync=off full_page_writes=off wal_level=minimal max_wal_senders=0 max_wal_size=8GB
maintenance_work_mem=256MB jit=off lc_messages=C track_commit_timestamp=on
"""


def tool(name):
    path = os.path.join(host.ROOT, "target/test-tools/env")
    if not os.path.exists(path):
        host.run(os.path.join(host.ROOT, "tests/tools/prepare"))
    with open(path) as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file)[name]


class Process:
    """A program that listens, stopped at the end of a `with`."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(2)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


class Postgres(Process):
    """A cluster with one database, on the core of the load."""

    def __init__(self, folder):
        self.port = host.free_port()
        self.folder = tempfile.mkdtemp(prefix="postgres-", dir=folder)
        self.account = self.other_account()
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        if self.account:
            os.chmod(folder, 0o755)
            for path in [self.folder, data]:
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
        host.run(
            *self.program("initdb", "--username", "postgres", "--auth", "trust", "--no-sync"),
            *["--encoding", "UTF8", "--locale", "C.UTF-8", "--pgdata", data],
            cwd=self.folder,
        )
        settings = [["-c", setting] for setting in [*SETTINGS.split(), f"port={self.port}"]]
        self.process = subprocess.Popen(
            host.pinned(host.LOAD_CORE, *self.program("postgres", "-D", data, *sum(settings, []))),
            stderr=open(os.path.join(self.folder, "log"), "w"),
            cwd=self.folder,
        )
        host.wait(self.answers, "the start of PostgreSQL", pause=0.05)
        self.query(ROLES, "postgres")
        self.query("create database gatepost owner gatepost_owner", "postgres")

    @staticmethod
    def other_account():
        """PostgreSQL refuses to run as root."""
        if os.getuid() != 0:
            return None
        names = [one.pw_name for one in pwd.getpwall()]
        return pwd.getpwnam("postgres" if "postgres" in names else "nobody")

    def program(self, name, *arguments):
        path = os.path.join(tool("GATEPOST_TEST_POSTGRES_BIN"), name)
        if not self.account:
            return [path, *arguments]
        ids = [f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}"]
        return ["setpriv", *ids, "--clear-groups", path, *arguments]

    def url(self, role, database="gatepost"):
        return f"postgres://{role}@127.0.0.1:{self.port}/{database}"

    def query(self, sql, database="gatepost"):
        """The rows of a query as lists of texts; asked as a superuser."""
        psql = os.path.join(tool("GATEPOST_TEST_POSTGRES_BIN"), "psql")
        flags = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        out = host.run(psql, *flags, "--command", sql, "--dbname", self.url("postgres", database))
        return [line.split("|") for line in out.splitlines() if line]

    def answers(self):
        try:
            return self.query("select 1", "postgres") == [["1"]]
        except RuntimeError:
            return False

    def settings(self):
        """What a replica needs to know."""
        return {
            "GATEPOST_DATABASE_URL": self.url("gatepost_server"),
            "GATEPOST_MIGRATION_DATABASE_URL": self.url("gatepost_owner"),
            "GATEPOST_MASTER_KEY": "00" * 32,
        }


class Valkey(Process):
    """A bus without persistence, on the core of the load."""

    def __init__(self):
        self.port = host.free_port()
        self.process = subprocess.Popen(
            host.pinned(host.LOAD_CORE, tool("GATEPOST_TEST_VALKEY_SERVER"))
            + ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd=host.KEPT,
        )
        self.url = f"valkey://127.0.0.1:{self.port}"
