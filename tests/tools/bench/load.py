"""Load: `h2load` for throughput with one request, our own generator for everything else."""

import json
import subprocess
import tempfile

import host
import wire

GRPC = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
CONNECTIONS, IN_FLIGHT = 4, 16


class Call:
    """One gRPC request to one server."""

    def __init__(self, url, path, message=b"", token=None):
        self.url, self.path, self.message = url, path, message
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def body(self, folder):
        """The framed message in a file."""
        file = tempfile.NamedTemporaryFile(dir=folder, delete=False)
        with file:
            file.write(wire.frame(self.message))
        return file.name

    def arguments(self):
        flags = [["-H", f"{name}: {value}"] for name, value in self.headers.items()]
        return sum(flags, []) + [self.url + self.path]

    def answer(self, folder):
        """The message of the answer. h2load counts HTTP statuses only, so each call is looked at
        whole once before it is measured."""
        out = self.body(folder) + ".answer"
        heads = host.run(
            *["curl", "-s", "--http2-prior-knowledge", "-D", "-", "-o", out, *GRPC],
            *["--data-binary", f"@{self.body(folder)}", *self.arguments()],
        )
        if "grpc-status: 12" in heads.lower():
            raise host.Unmeasured(f"this build does not serve `{self.path}`")
        if "grpc-status: 0" not in heads.lower():
            raise RuntimeError(f"{self.path} answers\n{heads}")
        with open(out, "rb") as file:
            return file.read()[5:]

    def rate(self, folder, requests, connections=CONNECTIONS, in_flight=IN_FLIGHT):
        """Calls a second of a closed loop, by h2load."""
        out = host.run(
            *host.pinned(host.LOAD_CORE, "h2load", "-n", str(requests), "-c", str(connections)),
            *["-m", str(in_flight), "-d", self.body(folder), *GRPC, *self.arguments()],
        )
        finished = next(line for line in out.splitlines() if line.startswith("finished in"))
        counted = next(line for line in out.splitlines() if line.startswith("requests:"))
        if f" {requests} succeeded" not in counted:
            raise RuntimeError(f"{self.path}: {counted}")
        return float(finished.split(",")[1].split()[0])

    def line(self):
        """The request as our generator reads it."""
        one = {"path": self.path, "headers": self.headers, "message": self.message.hex()}
        return json.dumps(one)


def requests_file(folder, calls):
    file = tempfile.NamedTemporaryFile("w", dir=folder, delete=False)
    with file:
        file.writelines(call.line() + "\n" for call in calls)
    return file.name


def flow(requests, name="flow", connections=CONNECTIONS, **more):
    """A flow of our generator: with a `rate` an open loop, else a closed one."""
    return {"name": name, "requests": requests, "connections": connections, **more}


def generate(server, flows, seconds, warm_up=1.0, may_fail=()):
    """Runs flows beside each other, and answers what each one saw. A call that fails makes the
    whole fail, except in flows that may."""
    plan = {"address": f"127.0.0.1:{server.port}", "seconds": seconds}
    plan |= {"warm_up_seconds": warm_up, "flows": flows}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(plan, file)
        file.flush()
        command = host.pinned(host.LOAD_CORE, host.example("load"), file.name)
        done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"load: {done.stderr.strip()}")
    seen = json.loads(done.stdout)
    for one in seen:
        if one["failures"] and one["name"] not in may_fail:
            raise RuntimeError(f"{one['name']}: {one['failures']} failures: {one['failure']}")
    return seen
