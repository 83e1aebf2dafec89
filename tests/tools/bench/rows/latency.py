"""Latency, by an open loop: counted from when a call was due."""

import statistics

import load
import pairs
import wire
from figures import at_most
from load import Call
from rows import row

TABLE = "Latency"
# What the neighbour of a flood asks, calls a second: few enough to be no load, enough for a p99.
NEIGHBOUR_RATE = 500
# A side of a pair, in seconds: a stall of the machine spoils one pair of many, not one of few.
SECONDS, WARM_UP_SECONDS = 2, 0.3


def capacity(server, requests):
    """Calls a second that the server can do, by the same generator."""
    flow = load.flow(requests, in_flight=load.IN_FLIGHT)
    return statistics.median(load.generate(server, [flow], 2, 0.5)[0]["rate"] for _ in range(3))


def sentences(measured, rate):
    left, right = measured.medians()
    return f"p99 {left:,.0f} µs against {right:,.0f} µs at {rate:,.0f} a second; {measured.spread()}"


@row("open-loop", TABLE, 120)
def open_loop(bench):
    """Half of what Authorize can do, for Authorize and for the empty RPC."""
    world = bench.world("medium")
    with world.serve() as server:
        tokens = world.tokens(server, bench.size(1_000, 200))
        files = [
            load.requests_file(bench.folder, [Call(server.url, *call, token) for token in tokens])
            for call in [(wire.AUTHORIZE, wire.authorize()), (wire.HEALTH, b"")]
        ]
        rate = capacity(server, files[0]) / 2
        late = []

        def p99(requests):
            flow = load.flow(requests, rate=rate)
            seen = load.generate(server, [flow], SECONDS, WARM_UP_SECONDS)[0]
            late.append(seen["late_p99_us"])
            return seen["p99_us"]

        measured = pairs.measure(
            bench.size(25, 5), lambda: p99(files[0]), lambda: p99(files[1]), warm_up=False
        )
    what = "p99 at half of capacity, open loop : the empty health RPC's"
    late = statistics.median(late)
    detail = f"{sentences(measured, rate)}; the generator's own lateness {late:,.0f} µs"
    yield at_most(what, 1.3, measured.ratio(), "×", detail, 2)


@row("neighbour", TABLE, 120)
def neighbour(bench):
    """One organization floods on its own connections; another one asks now and then."""
    world = bench.world("medium")
    with world.serve() as server:
        tokens = world.tokens(server, 2)
        flood, asked = (
            load.requests_file(
                bench.folder, [Call(server.url, wire.AUTHORIZE, wire.authorize(), token)]
            )
            for token in tokens
        )
        rate = 0.8 * capacity(server, flood)
        quiet_flow = load.flow(asked, "neighbour", 1, rate=NEIGHBOUR_RATE)
        flood_flow = load.flow(flood, "flood", rate=rate)
        floods = []

        def p99(*flows):
            # What is too much for the server is the flood's loss.
            flows, may_fail = [quiet_flow, *flows], ["flood"]
            seen = load.generate(server, flows, SECONDS, WARM_UP_SECONDS, may_fail)
            floods.extend(one["rate"] for one in seen[1:])
            return seen[0]["p99_us"]

        measured = pairs.measure(bench.size(25, 5), lambda: p99(flood_flow), p99, warm_up=False)
    what = "p99 of one organization while another floods at 80 % of capacity : quiet"
    left, right = measured.medians()
    detail = f"p99 {left:,.0f} µs against {right:,.0f} µs at {NEIGHBOUR_RATE} a second; "
    detail += f"{statistics.median(floods):,.0f} of {rate:,.0f} a second of the flood answered; "
    yield at_most(what, 2, measured.ratio(), "×", detail + measured.spread(), 2)
