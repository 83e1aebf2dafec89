"""Against others: Cerbos, and a handler that does nothing."""

import os
import subprocess

import host
import pairs
import wire
from figures import at_least, per_second
from load import Call
from rows import row

CERBOS = os.path.join(host.ROOT, "tests/tools/bench/cerbos")
# Of the request that Envoy asks about.
HEADERS_BYTES = 2_048
BINARY = "node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64"


class Peer:
    """Another server on the core of ours; each is idle while the other one works."""

    def __init__(self, command, environment, ready):
        self.process = subprocess.Popen(
            host.pinned(host.SERVER_CORE, *command),
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            host.wait(ready, f"the start of {command[0]}", pause=0.05)
        except RuntimeError:
            self.process.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(15)


def install_cerbos():
    """From npm, with the committed lock file, into the build folder."""
    folder = os.path.join(host.KEPT, "cerbos")
    os.makedirs(folder, exist_ok=True)
    for name in ["package.json", "package-lock.json"]:
        with open(os.path.join(CERBOS, name)) as file:
            text = file.read()
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    binary = os.path.join(folder, BINARY)
    if not os.path.exists(binary):
        host.need("npm", "npm")
        host.run("npm", "ci", "--no-audit", "--no-fund", cwd=folder)
    return binary


def cerbos(bench):
    port, http = host.free_port(), host.free_port()
    call = Call(f"http://127.0.0.1:{port}", wire.CERBOS, wire.check_resources())
    settings = {
        "server.httpListenAddr": f"127.0.0.1:{http}",
        "server.grpcListenAddr": f"127.0.0.1:{port}",
        "storage.driver": "disk",
        "storage.disk.directory": os.path.join(CERBOS, "policies"),
        "telemetry.disabled": "true",
    }
    flags = [f"--set={name}={value}" for name, value in settings.items()]

    def ready():
        try:
            return wire.CERBOS_ALLOWS in call.answer(bench.folder)
        except RuntimeError:
            return False

    command = [install_cerbos(), "server", "--log-level=error", *flags]
    return call, Peer(command, {"GOMAXPROCS": "1"}, ready)


@row("cerbos", "Throughput", 60)
def against_cerbos(bench):
    """One role may read accounts, there by a policy of one rule; the same headers on both sides."""
    world = bench.world("medium")
    with world.serve() as server:
        token = world.token(server)
        ours = Call(server.url, wire.AUTHORIZE, wire.authorize(), token)
        theirs, peer = cerbos(bench)
        theirs.headers = ours.headers
        with peer:
            requests = bench.size(20_000, 10_000)
            measured = pairs.measure(
                bench.size(21, 5),
                lambda: ours.rate(bench.folder, requests),
                lambda: theirs.rate(bench.folder, requests // 5),
            )
    what = "Authorize : Cerbos 0.55.0 CheckResources, GOMAXPROCS=1 on the same core"
    yield at_least(what, 15, measured.ratio(), per_second(measured), times=True)


@row("check", "Throughput", 60)
def check(bench):
    """Envoy's question with 2 KB of headers; the other side decodes it and says yes."""
    empty = host.example("empty_check")
    world = bench.world("medium")
    with world.serve() as server:
        token = world.token(server)
        message = wire.check(token, HEADERS_BYTES)
        ours = Call(server.url, wire.CHECK, message, token)
        port = host.free_port()
        theirs = Call(f"http://127.0.0.1:{port}", wire.CHECK, message, token)
        # `status` is there and empty, which is OK, and `ok_response` follows.
        if not wire.messages(ours.answer(bench.folder), 3):
            raise RuntimeError("the request of the measurement does not pass")

        def ready():
            try:
                return theirs.answer(bench.folder) is not None
            except RuntimeError:
                return False

        with Peer([empty, f"127.0.0.1:{port}"], {}, ready):
            requests = bench.size(12_000, 6_000)
            measured = pairs.measure(
                bench.size(45, 9),
                lambda: ours.rate(bench.folder, requests),
                lambda: theirs.rate(bench.folder, requests),
            )
    what = "ext_authz Check with 2 KB of request headers : empty handler decoding the same"
    yield at_least(what, 0.85, measured.ratio(), per_second(measured))
