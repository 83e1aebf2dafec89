"""Memory, and the start."""

import statistics
import tempfile
import time

from figures import at_most, reported
from rows import row
from server import Server

TABLE = "Memory and start"


@row("memory", TABLE, 45)
def memory(bench):
    """Resident memory with default settings."""
    data = tempfile.mkdtemp(dir=bench.folder)
    Server(data, GATEPOST_MULTI_TENANT=None).stop()
    with Server(data, GATEPOST_MULTI_TENANT=None) as server:
        time.sleep(3)
        yield at_most("Resident memory, idle", 40, server.resident_mb(), "MB")
        server.sign_in("admin")
        yield at_most("Resident memory, right after a login", 60, server.resident_mb(), "MB")
    world = bench.world("medium")
    with world.serve(GATEPOST_PASSWORD_WORKERS="1") as server:
        for token in world.tokens(server, world.organizations):
            server.may(token)
        time.sleep(2)
        what = f"Resident memory, {world.users:,} users in {world.organizations:,} organizations"
        yield at_most(f"{what}, all active", 150, server.resident_mb(), "MB")


@row("start", TABLE, 10)
def start(bench):
    """From `exec` to the first 200 of `/readyz`."""
    for name, data in [("", tempfile.mkdtemp(dir=bench.folder)), ("medium", None)]:
        data = data or bench.world(name).data
        Server(data).stop()
        seconds = []
        for _ in range(bench.size(7, 3)):
            with Server(data) as server:
                seconds.append(server.start_seconds)
        value = 1000 * statistics.median(seconds)
        if not name:
            yield at_most("Start on an existing database", 1000, value, "ms")
        else:
            yield reported("The same with 1,000 organizations", value, "ms")
