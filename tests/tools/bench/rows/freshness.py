"""How soon a change is felt, and what a large organization costs."""

import base64
import json
import statistics
import tempfile
import threading
import time

import host
import load
import wire
import worlds
from backends import Postgres, Valkey
from figures import Figure, at_most, reported
from load import Call
from rows import row
from server import PASSWORD, Server

TABLE = "Freshness and large organizations"
# Calls a second while changes are made, to see whether answers pause.
RATE = 2_000


@row("revocation", TABLE, 120)
def revocation(bench):
    """Replicas on PostgreSQL and Valkey; one revokes, another one is asked all the time."""
    what = "From the commit of a revocation to the last allow on another replica, p99, "
    with Postgres(bench.folder) as postgres:
        with Valkey() as valkey:
            after, detail = last_allows(bench, postgres, valkey, "alice", bench.size(300, 60))
        yield at_most(what + "with the bus", 100, p99(after), "ms", detail, 1)
        # The same address, where nobody is any more.
        after, detail = last_allows(bench, postgres, valkey, "bob", bench.size(100, 20))
        yield reported(what + "without it (bound 1 s)", p99(after), "ms", detail, 1)


def last_allows(bench, postgres, valkey, name, times):
    """From the commit to the last question that was allowed, in milliseconds, the shortest first;
    and more of it in words. A question that was sent before the commit counts as 0."""
    data = tempfile.mkdtemp(dir=bench.folder)
    settings = postgres.settings() | {"GATEPOST_CACHE_URL": valkey.url}
    # The third one only listens, as it would in an installation of three.
    with (
        Server(data, **settings) as writer,
        Server(data, **settings) as asker,
        Server(data, **settings),
    ):
        admin = writer.sign_in("admin")
        person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        person |= {"firstName": "Test", "lastName": name}
        user = writer.must("POST", "/v1/users", person, admin)["id"]
        group = "midaz-viewer-group"
        writer.must("PUT", f"/v1/groups/{group}/members/{user}", {}, admin)
        token = writer.sign_in(name)
        arguments = [writer.url, asker.url, admin, group, user, token, str(times)]
        out = host.run(*host.pinned(host.LOAD_CORE, host.example("revoke"), *arguments))
    committed = commit_times(postgres, name)
    seen = json.loads(out)
    after = sorted(
        max(0.0, one["last_allowed_us"] - committed[one["revision"]]) / 1000
        for one in seen["rounds"]
    )
    detail = f"median {statistics.median(after):.1f} ms, longest {after[-1]:.1f} ms; three "
    detail += f"replicas, {len(after)} revocations, {seen['unavailable']} answers that were neither"
    return after, detail


def p99(values):
    """Of values in their order."""
    return values[min(len(values) - 1, int(len(values) * 0.99))]


def commit_times(postgres, name):
    """When each revision of this user's organization was committed, in microseconds since 1970, as
    the database noted it."""
    rows = postgres.query(
        "select revision, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint "
        "from changes where organization_id = "
        f"(select organization_id from users where username_key = '{name}')"
    )
    return {int(revision): int(at) for revision, at in rows}


@row("snapshot", TABLE, 300)
def snapshot(bench):
    """One organization of a million users in ten groups each, on PostgreSQL."""
    users, per_user = bench.size(1_000_000, 100_000), 10
    data = tempfile.mkdtemp(dir=bench.folder)
    with Postgres(bench.folder) as postgres:
        settings = postgres.settings()
        Server(data, **settings).stop()
        begun = time.monotonic()
        worlds.fill(postgres.url("postgres"), 1, users, 1_000, per_user)
        host.say(f"  filled in {time.monotonic() - begun:.0f} s")
        postgres.query(ADMINISTRATOR)
        with Server(data, **settings) as server:
            token, admin = server.sign_in("user-0"), server.sign_in("user-1")
            before = server.resident_mb()
            begun = time.monotonic()
            host.wait(lambda: server.may(token)[0] == 200, "the snapshot", 300, 0.05)
            took = time.monotonic() - begun
            resident = server.resident_mb() - before
            what = f"Snapshot of {users:,} users, {per_user} groups each, from PostgreSQL"
            detail = f"first question to first answer; {resident:,.0f} MB more resident memory"
            yield reported(what, took, "s", detail, 1)
            yield from deltas(bench, server, token, admin)


# `user-1` becomes an administrator of the organization.
ADMINISTRATOR = """
insert into user_members (organization_id, group_id, user_id)
select users.organization_id, groups.id, users.id from users join groups using (organization_id)
where users.username_key = 'user-1' and groups.name_key = 'admin-group';
"""


def subject(token):
    """Who a token is about (RFC 7519 §4.1.2)."""
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]


def deltas(bench, server, token, admin):
    """Calls go on while memberships change: the longest of them shows whether answers pause."""
    path = f"/v1/groups/midaz-viewer-group/members/{subject(token)}"
    call = Call(server.url, wire.AUTHORIZE, wire.authorize(), token)
    requests = load.requests_file(bench.folder, [call])
    seconds = bench.size(10, 4)

    def seen():
        return load.generate(server, [load.flow(requests, rate=RATE)], seconds)[0]

    quiet = seen()
    stop, writes = threading.Event(), []

    def write():
        while not stop.is_set():
            for method in ["PUT", "DELETE"]:
                begun = time.monotonic()
                server.must(method, path, {} if method == "PUT" else None, admin)
                writes.append(time.monotonic() - begun)
            time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        changing = seen()
    finally:
        stop.set()
        writer.join()
    pause = changing["max_us"] / 1000
    detail = f"p99 {changing['p99_us']:,.0f} µs; without changes longest "
    detail += f"{quiet['max_us'] / 1000:,.1f} ms, p99 {quiet['p99_us']:,.0f} µs; "
    detail += f"{len(writes)} changes, each answered in {1000 * statistics.median(writes):,.1f} ms"
    what = f"Deltas on it: the longest of {changing['calls']:,} answers meanwhile"
    yield Figure(what, "no pause", f"{pause:,.1f} ms", pause, None, detail)
