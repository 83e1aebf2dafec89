"""The decision alone, in one process and without a server: core/examples/figures measures."""

import json
import os
import re

import host
from figures import Figure, at_least, at_most, reported
from rows import row

TABLE = "The decision alone"
# How callgrind is asked for the decisions of the program's own part, and for nothing else.
CALLGRIND = "--tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no"
MARK = "--toggle-collect=*ask_for_callgrind*"
ASKS = 10_000


@row("core", TABLE, 240)
def core(bench):
    program = host.example("figures")
    told = json.loads(host.run(*host.pinned(host.SERVER_CORE, program)))
    yield from times(told)
    yield from snapshot(told["snapshot"])
    yield from rivals()
    if not bench.quick:
        yield instructions(program)


def times(told):
    grants, active = told["grants_uniform"], told["grants"]
    what = "Core decision, 100,000 grants, uniform access"
    yield at_most(f"{what}, median", 150, grants["p50_ns"], "ns")
    yield at_most(f"{what}, p99", 600, grants["p99_ns"], "ns")
    what = "The same, 1,000 of the 100,000 users are at work, median"
    yield reported(what, active["p50_ns"], "ns", f"p99 {active['p99_ns']:,} ns")
    for users, one in told["people"].items():
        what = f"Core decision, {int(users):,} users, uniform access, median"
        detail = f"p99 {one['p99_ns']:,} ns; {one['allowed_percent']} % allowed"
        if int(users) == 1_000_000:
            yield at_most(what, 400, one["p50_ns"], "ns", detail)
        else:
            yield reported(what, one["p50_ns"], "ns", detail)
    for count, one in told["organizations"].items():
        what = f"The same, 100,000 users in {int(count):,} organizations"
        yield reported(what, one["p50_ns"], "ns", f"p99 {one['p99_ns']:,} ns")
    limited = told["limits"]
    what = "The same, every role limited by an attribute"
    yield reported(what, limited["p50_ns"], "ns", f"p99 {limited['p99_ns']:,} ns")


def snapshot(told):
    what = "Snapshot of 1,000,000 users, 10 groups each, from rows in memory"
    yield at_most(f"{what}: build", 3_000, told["build_ms"], "ms", f"{told['facts']:,} facts")
    yield at_most(f"{what}: bytes a user", 200, told["bytes_a_user"], "B")
    for name, delta in told["delta_us"].items():
        what = f"A delta on it, {name.replace('_', ' ')}, slowest of 101"
        yield at_most(what, 1, delta["max"] / 1000, "ms", f"median {delta['p50']} µs", 3)


def rivals():
    """Each with a slice of the policy, see rivals/src/main.rs; answers must agree."""
    manifest = os.path.join(host.ROOT, "rivals/Cargo.toml")
    host.run("cargo", "build", "--release", "--locked", "--manifest-path", manifest, cwd=host.ROOT)
    program = os.path.join(host.ROOT, "rivals/target/release/gatepost-rivals")
    told = json.loads(host.run(*host.pinned(host.SERVER_CORE, program)))
    for slice in told.values():
        if slice["differences"]:
            raise RuntimeError(f"{slice['differences']} answers differ from the rivals'")
    for name, one in told["product"]["peers"].items():
        theirs, ours = one["p50_ns"], max(1, one["gatepost_p50_ns"])
        slice_is = "given only the user's roles in the product"
        what = f"{name}, in process, {slice_is} : core decision, median"
        yield at_least(what, 10, theirs / ours, f"{theirs:,} ns against {ours:,} ns", times=True)
    for name, one in told["lines"]["peers"].items():
        what = f"{name}, given only the lines that match the question already, median"
        yield reported(what, one["p50_ns"], "ns", f"core decision {one['gatepost_p50_ns']:,} ns")


def instructions(program):
    """Instructions do not depend on what else the machine does."""
    host.need("valgrind", "valgrind")
    counts = []
    for users in [1_000, 1_000_000]:
        command = ["valgrind", *CALLGRIND.split(), MARK, program, "asks", str(users)]
        done = host.trouble(*host.pinned(host.LOAD_CORE, *command))
        counted = re.search(r"Collected : (\d+)", done)
        if not counted:
            raise RuntimeError(f"callgrind: {done[-500:]}")
        counts.append(int(counted.group(1)) / ASKS)
    what = "Instructions of a decision, 1,000,000 users : 1,000"
    value = counts[1] / counts[0]
    shown = f"{counts[1]:,.0f} against {counts[0]:,.0f}"
    return Figure(what, "≤ 1.1 ×", f"{value:.2f} ×", value, value <= 1.1, shown)
