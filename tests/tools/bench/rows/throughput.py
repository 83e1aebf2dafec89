"""Calls a second, one core against the same core."""

import load
import pairs
import wire
from figures import at_least, per_second, reported
from load import Call
from rows import row

TABLE = "Throughput"
# Tokens in turn.
TOKENS = 10_000
QUESTIONS_PER_BATCH = 100


@row("authorize", TABLE, 45)
def authorize(bench):
    """One token that was seen before."""
    with bench.world("medium").serve() as server:
        token = bench.world("medium").token(server)
        decision = Call(server.url, wire.AUTHORIZE, wire.authorize(), token)
        health = Call(server.url, wire.HEALTH, b"", token)
        answer = decision.answer(bench.folder)
        if not answer.startswith(wire.field(1, 1)):
            raise RuntimeError("the question of the measurement is not allowed")
        health.answer(bench.folder)
        requests = bench.size(12_000, 6_000)
        measured = pairs.measure(
            bench.size(45, 9),
            lambda: decision.rate(bench.folder, requests),
            lambda: health.rate(bench.folder, requests),
        )
    what = "Authorize, already-seen token : empty health RPC of the same server, same headers"
    yield at_least(what, 0.90, measured.ratio(), per_second(measured))


def closed(server, requests, seconds):
    """Calls a second of a closed loop, by our generator."""
    flow = load.flow(requests, in_flight=load.IN_FLIGHT)
    return load.generate(server, [flow], seconds, warm_up=0.3)[0]["rate"]


def token_pairs(bench, world, server, count):
    """Authorize against health with so many tokens in turn; questions of every outcome."""
    tokens = world.tokens(server, count)
    kinds = [wire.authorize(*question) for question in wire.QUESTIONS]
    decisions = [
        Call(server.url, wire.AUTHORIZE, kinds[number % len(kinds)], token)
        for number, token in enumerate(tokens)
    ]
    healths = [Call(server.url, wire.HEALTH, b"", token) for token in tokens]
    files = [load.requests_file(bench.folder, calls) for calls in (decisions, healths)]
    # Every token has been seen when it counts.
    once = load.flow(files[0], in_flight=load.IN_FLIGHT, once=True)
    load.generate(server, [once], 1, 0)
    seconds = bench.size(1, 0.5)
    return pairs.measure(
        bench.size(25, 7),
        lambda: closed(server, files[0], seconds),
        lambda: closed(server, files[1], seconds),
    )


@row("tokens", TABLE, 130)
def tokens(bench):
    """Ten thousand tokens of as many people in turn."""
    count = bench.size(TOKENS, TOKENS)
    world = bench.world("medium")
    with world.serve() as server:
        measured = token_pairs(bench, world, server, count)
        size = len(world.tokens(server, count)[0])
    what = f"The same, {count:,} different tokens in turn, allowed and denied"
    yield at_least(what, 0.80, measured.ratio(), f"{per_second(measured)}; {size:,} bytes a token")


@row("sizes", TABLE, 200)
def sizes(bench):
    """The same over datasets of three sizes."""
    for name in bench.size(["small", "medium", "large"], ["small", "medium"]):
        world = bench.world(name)
        with world.serve() as server:
            measured = token_pairs(bench, world, server, 1_000)
            resident = server.resident_mb()
        what = f"Authorize with {world.users:,} users in {world.organizations:,} organizations"
        what += ", 1,000 tokens in turn"
        detail = f"{measured.ratio():.2f} of the health RPC, {measured.spread()}"
        detail += f"; {resident:.0f} MB resident; filled in {world.seconds:.1f} s"
        yield reported(what, measured.medians()[0], "a second", detail)


@row("batch", TABLE, 45)
def batch(bench):
    """Questions a second, a hundred at a time against one at a time."""
    world = bench.world("medium")
    with world.serve() as server:
        token = world.token(server)
        many = Call(server.url, wire.BATCH, wire.batch(QUESTIONS_PER_BATCH), token)
        single = Call(server.url, wire.AUTHORIZE, wire.authorize(), token)
        answers = wire.messages(many.answer(bench.folder), 1)
        if len(answers) != QUESTIONS_PER_BATCH or not answers[0].startswith(wire.field(1, 1)):
            raise RuntimeError("the batch of the measurement is not answered as it should be")
        requests = bench.size(12_000, 6_000)
        measured = pairs.measure(
            bench.size(31, 9),
            lambda: QUESTIONS_PER_BATCH * many.rate(bench.folder, requests // 6),
            lambda: single.rate(bench.folder, requests),
        )
    what = f"Questions a second in batches of {QUESTIONS_PER_BATCH} : in single calls"
    yield at_least(what, 10, measured.ratio(), per_second(measured), times=True)


@row("first-time", TABLE, 40)
def first_time(bench):
    """What the check of a signature costs: the same tokens for the first and the second time."""
    count = bench.size(2_000, 500)
    world = bench.world("small")
    with world.serve() as server:
        admin = server.sign_in("admin")
        for algorithm in ["RS256", "ES256", "EdDSA"]:
            application = server.application(f"{algorithm}-{count}", [], algorithm, admin)
            tokens = server.machine_tokens(application, count)
            calls = [
                Call(server.url, wire.AUTHORIZE, wire.authorize(), token) for token in tokens
            ]
            one = load.flow(load.requests_file(bench.folder, calls), connections=1, once=True)
            # The connection and this question are warm; the tokens are not.
            server.may(tokens[0])
            first, second = (load.generate(server, [one], 60, 0)[0] for _ in range(2))
            cost = first["p50_us"] - second["p50_us"]
            detail = f"median {first['p50_us']:.0f} µs the first time, {second['p50_us']:.0f} µs "
            yield reported(
                f"A token's first time, {algorithm}: what it adds",
                *(cost, "µs", f"{detail}the second; {count:,} tokens, one call in flight"),
            )

