"""What tokens cost to issue, and to ask about."""

import host
import load
import pairs
import wire
from figures import at_least, per_second
from load import Call
from rows import row

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
