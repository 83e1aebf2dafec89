"""What tokens cost to issue, and to ask about."""

import os
import statistics
import threading
import time

import backends
import host
import load
import pairs
import wire
from figures import at_least, at_most, per_second, reported
from load import Call
from rows import row
from server import PASSWORD, SIGN_IN, Server

TABLE = "Signing in"
ISSUE = "/gatepost.auth.v1.AuthService/IssueToken"
INTROSPECT = "/gatepost.auth.v1.AuthService/IntrospectToken"


@row("machine-tokens", TABLE, 60)
def machine_tokens(bench):
    """Client credentials over gRPC, signed with Ed25519, against the signature alone."""
    with bench.world("small").serve() as server:
        admin = server.sign_in("admin")
        application = server.application(f"machine-{server.port}", [], "EdDSA", admin)
        message = wire.field(1, "client_credentials")
        message += wire.field(4, application["clientId"])
        message += wire.field(5, application["clientSecret"])
        call = Call(server.url, ISSUE, message)
        call.answer(bench.folder)
        requests, seconds = bench.size(6_000, 2_000), bench.size(0.5, 0.3)
        command = host.pinned(host.SERVER_CORE, host.example("bare_crypto"), "sign", str(seconds))
        measured = pairs.measure(
            bench.size(25, 7),
            lambda: call.rate(bench.folder, requests),
            lambda: float(host.run(*command)),
        )
    what = "Client-credentials tokens over gRPC, EdDSA : Ed25519 signatures alone on the same core"
    yield at_least(what, 0.50, measured.ratio(), per_second(measured))


@row("introspection", TABLE, 45)
def introspection(bench):
    """An access token that is asked about, against the empty call with the same headers."""
    with bench.world("small").serve() as server:
        admin = server.sign_in("admin")
        application = server.application(f"asker-{server.port}", [], "EdDSA", admin)
        asker = server.machine_tokens(application, 1)[0]
        other = server.machine_tokens(application, 1)[0]
        call = Call(server.url, INTROSPECT, wire.field(1, other), asker)
        if not call.answer(bench.folder).startswith(wire.field(1, 1)):
            raise RuntimeError("the token of the measurement is not active")
        health = Call(server.url, wire.HEALTH, b"", asker)
        requests = bench.size(8_000, 4_000)
        measured = pairs.measure(
            bench.size(31, 9),
            lambda: call.rate(bench.folder, requests),
            lambda: health.rate(bench.folder, requests),
        )
    what = "Introspection of an access token : empty health RPC of the same server, same headers"
    yield at_least(what, 0.60, measured.ratio(), per_second(measured))


# Memory in KiB and passes: the default, and the other one of equal worth that OWASP names.
PARAMETERS = {"19 MiB, t=2": (19_456, 2), "7 MiB, t=5": (7_168, 5)}
REFRESH = "/v1/login/oauth/refresh_token"
REFRESHING = 8


def password_settings(memory_kib, passes):
    return {
        "GATEPOST_PASSWORD_MEMORY_KIB": str(memory_kib),
        "GATEPOST_PASSWORD_ITERATIONS": str(passes),
    }


def password_call(server, username="admin"):
    message = wire.field(1, "password") + wire.field(2, username) + wire.field(3, PASSWORD)
    return Call(server.url, ISSUE, message)


@row("password-logins", TABLE, 90)
def password_logins(bench):
    """Sign-ins with a password, each writing its session, against the hashes alone."""
    for name, (memory_kib, passes) in PARAMETERS.items():
        settings = password_settings(memory_kib, passes)
        with bench.world("small").serve(GATEPOST_PASSWORD_WORKERS="1", **settings) as server:
            # The first one makes the hash anew with these parameters.
            for _ in range(3):
                server.sign_in("admin")
            call = password_call(server)
            call.answer(bench.folder)
            requests, seconds = bench.size(60, 20), bench.size(1.5, 0.5)
            command = [host.example("bare_crypto"), "argon2", str(seconds)]
            command = host.pinned(host.SERVER_CORE, *command, str(memory_kib), str(passes))
            measured = pairs.measure(
                bench.size(11, 5),
                lambda: call.rate(bench.folder, requests, connections=1, in_flight=4),
                lambda: float(host.run(*command)),
            )
        what = f"Password sign-ins over gRPC : Argon2id alone on the same core, {name}"
        if passes == 2:
            yield at_least(what, 0.90, measured.ratio(), per_second(measured))
        else:
            yield reported(what, measured.ratio(), "×", per_second(measured), 2)


@row("sign-in-storm", TABLE, 40)
def sign_in_storm(bench):
    """Authorize while all workers hash: the same core for both, everything else refused."""
    settings = password_settings(*PARAMETERS["19 MiB, t=2"])
    seconds, rate = bench.size(12, 4), 500
    with bench.world("small").serve(**settings) as server:
        for _ in range(3):
            server.sign_in("admin")
        asking = Call(server.url, wire.AUTHORIZE, wire.authorize(), bench.world("small").token(server))
        asking = load.requests_file(bench.folder, [asking])
        storm = load.requests_file(bench.folder, [password_call(server)])
        quiet = load.generate(server, [load.flow(asking, "asking", rate=rate)], seconds)[0]
        flows = [load.flow(asking, "asking", rate=rate), load.flow(storm, "storm", in_flight=16)]
        beside = load.generate(server, flows, seconds, may_fail=["storm"])[0]
    detail = f"p99 {beside['p99_us'] / 1000:.2f} ms against {quiet['p99_us'] / 1000:.2f} ms quiet, "
    detail += f"{rate} questions a second"
    what = "Authorize during a storm of sign-ins at full pool, p99 : quiet"
    yield at_most(what, 5, beside["p99_us"] / quiet["p99_us"], "×", detail, 1)
    yield at_most("The same, p99", 5, beside["p99_us"] / 1000, "ms", detail, 2)


def refreshing(server, seconds):
    """Refreshes a second, each with the token of the one before, by people side by side."""
    grant = {"grantType": "password", "username": "admin", "password": PASSWORD}
    tokens = [server.must("POST", SIGN_IN, grant)["refreshToken"] for _ in range(REFRESHING)]
    ends, counts = time.monotonic() + seconds, [0] * REFRESHING

    def one(number):
        token = tokens[number]
        while time.monotonic() < ends:
            token = server.must("POST", REFRESH, {"refreshToken": token})["refreshToken"]
            counts[number] += 1

    threads = [threading.Thread(target=one, args=[number]) for number in range(REFRESHING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


@row("refresh", TABLE, 30)
def refresh(bench):
    """Refresh with rotation on PostgreSQL, where each one is a transaction of its own."""
    with backends.Postgres(bench.folder) as postgres:
        data = os.path.join(bench.folder, "nothing")
        with Server(data, **postgres.settings()) as server:
            refreshing(server, 1)
            rates = [refreshing(server, bench.size(3, 1)) for _ in range(bench.size(5, 3))]
    detail = f"{REFRESHING} sessions of one organization side by side; the slowest run "
    detail += f"{min(rates):,.0f}; a test holds its transaction to six round trips"
    what = "Refresh with rotation on PostgreSQL"
    yield reported(what, statistics.median(rates), "a second", detail)


def signing_in(bench, server):
    """Sign-ins a second, and the memory after them."""
    call = password_call(server)
    call.answer(bench.folder)
    requests = bench.size(1_500, 300)
    rates = [call.rate(bench.folder, requests, connections=1, in_flight=4) for _ in range(5)]
    return statistics.median(rates), server.resident_mb()


@row("live-sessions", TABLE, 120)
def live_sessions(bench):
    """Signing in beside a million live sessions, against an empty table; the same program."""
    count = bench.size(1_000_000, 50_000)
    rates, resident = {}, {}
    with bench.world("small").serve() as server:
        rates["empty"], resident["empty"] = signing_in(bench, server)
    host.run(host.example("fill"), bench.world("small").data, "sessions", str(count))
    with bench.world("small").serve() as server:
        rates["full"], resident["full"] = signing_in(bench, server)
    detail = f"{rates['full']:,.0f} against {rates['empty']:,.0f} a second on SQLite, 1 MiB hashes"
    what = f"A sign-in beside {count:,} live sessions : beside none"
    yield at_most(what, 1.2, rates["empty"] / rates["full"], "×", detail, 2)
    detail = f"{resident['empty']:,.0f} MB beside none"
    yield reported(f"Resident memory at {count:,} live sessions", resident["full"], "MB", detail)
