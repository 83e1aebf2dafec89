"""Decisions beside the product and in its own process, fed by a server."""

import json
import os
import tempfile
import time

import host
import load
import wire
from figures import at_most, reported
from load import Call
from rows import row
from server import Server

TABLE = "Sidecar and local"
PEOPLE = 1_000


def feeding(bench, server):
    """An application that is fed with every organization, and tokens of one with 100,000 users."""
    admin = server.sign_in("admin")
    roles = ["gatepost-system-sidecar-role"]
    application = server.application(f"fed-{time.monotonic_ns()}", roles, "RS256", admin)
    return application, bench.world("one").tokens(server, PEOPLE)


@row("local", TABLE, 15)
def local(bench):
    """In a process of its own on the core of the load; the server only feeds it."""
    times = bench.size(400_000, 50_000)
    with bench.world("one").serve() as server:
        application, tokens = feeding(bench, server)
        with tempfile.NamedTemporaryFile("w", dir=bench.folder) as file:
            file.write("\n".join(tokens))
            file.flush()
            client = [application["clientId"], application["clientSecret"]]
            command = [host.example("decide_locally"), server.url, *client, file.name, str(times)]
            told = json.loads(host.run(*host.pinned(host.LOAD_CORE, *command)))
    whole, alone = told["whole"], told["alone"]
    detail = f"p99 {whole['p99_ns']:,} ns; {PEOPLE:,} tokens in turn; the decision alone "
    detail += f"{alone['p50_ns']:,} ns, p99 {alone['p99_ns']:,} ns"
    what = "Local decision with its token, median, 100,000 users"
    yield at_most(what, 300, whole["p50_ns"], "ns", detail)
    after, before = told["resident_after_kb"] / 1024, told["resident_before_kb"] / 1024
    detail = f"{before:,.0f} MB before; fed in {told['fed_ms']:,} ms"
    yield reported("Local snapshot, resident memory at 100,000 users", after, "MB", detail)


@row("sidecar", TABLE, 20)
def sidecar(bench):
    """The same program, fed; one call in flight, and what is resident."""
    with bench.world("one").serve(core=host.LOAD_CORE) as server:
        application, tokens = feeding(bench, server)
        settings = {
            "GATEPOST_ONLY": "authorize",
            "GATEPOST_UPSTREAM": server.url,
            "GATEPOST_UPSTREAM_CLIENT_ID": application["clientId"],
            "GATEPOST_UPSTREAM_CLIENT_SECRET": application["clientSecret"],
            "GATEPOST_UPSTREAM_PRODUCTS": "midaz",
            "GATEPOST_MULTI_TENANT": None,
            "GATEPOST_PUBLIC_URL": None,
            "GATEPOST_DATA_DIR": None,
            "GATEPOST_BOOTSTRAP_ADMIN_PASSWORD": None,
            "GATEPOST_SIGN_INS_PER_MINUTE": None,
        }
        data = os.path.join(bench.folder, "nothing")
        with Server(data, **settings) as beside:
            host.wait(lambda: beside.may(tokens[0])[0] == 200, "the feed of the sidecar", 60, 0.02)
            calls = [
                Call(beside.url, wire.AUTHORIZE, wire.authorize(), token) for token in tokens
            ]
            flow = load.flow(load.requests_file(bench.folder, calls), connections=1)
            seen = load.generate(beside, [flow], bench.size(5, 2))[0]
            resident = beside.resident_mb()
    detail = f"p99 {seen['p99_us']:,.0f} µs; {PEOPLE:,} tokens in turn, one call in flight"
    yield reported("Sidecar, Authorize over loopback, median", seen["p50_us"], "µs", detail)
    yield reported("Sidecar, resident memory at 100,000 users", resident, "MB")
