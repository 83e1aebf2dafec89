"""This machine: folders, cores, processes."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
RELEASE = os.path.join(TARGET, "release")
# What is downloaded and what was measured stays here; data folders go into a temporary one.
KEPT = os.path.join(TARGET, "bench")
# The server under measurement has one core for itself, and everything else the other one.
SERVER_CORE, LOAD_CORE = "0", "1"
BINARIES = ["gatepost"]
EXAMPLES = {
    "gatepost-core": ["figures"],
    "gatepost-client": ["load", "revoke", "decide_locally"],
    "gatepost-store": ["fill"],
    "gatepost": ["empty_check", "bare_crypto"],
}


class Unmeasured(Exception):
    """A row cannot be measured here, and why."""


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def run(*command, **options):
    """The standard output of a command that must succeed."""
    done = subprocess.run(command, text=True, capture_output=True, **options)
    if done.returncode:
        trouble = (done.stderr or done.stdout).strip()[-2000:]
        raise RuntimeError(f"{command[0]} failed ({done.returncode}): {trouble}")
    return done.stdout


def trouble(*command):
    """What a command that must succeed wrote to its standard error."""
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}): {done.stderr[-2000:]}")
    return done.stderr


def pinned(core, *command):
    return ["taskset", "-c", core, *command]


def example(name):
    return os.path.join(RELEASE, "examples", name)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait(ready, what, seconds=60, pause=0.002):
    """Waits until `ready()`, and answers how long that took."""
    begun = time.monotonic()
    while not ready():
        if time.monotonic() - begun > seconds:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return time.monotonic() - begun


def build():
    """Builds what is measured, and what measures, with the committed lock file."""
    command = ["cargo", "build", "--release", "--locked"]
    for name in BINARIES:
        command += ["--bin", name]
    for package, examples in EXAMPLES.items():
        command += ["-p", package]
        for name in examples:
            command += ["--example", name]
    subprocess.run([*command, "--features", "gatepost-client/local"], cwd=ROOT, check=True)


def need(program, package):
    """A program that Debian has; installed when it is missing and that is allowed."""
    if not shutil.which(program):
        run("apt-get", "install", "-y", "--no-install-recommends", package)


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model n")]
    model = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}"


def revision():
    head = run("git", "-C", ROOT, "rev-parse", "--short", "HEAD").strip()
    changed = run("git", "-C", ROOT, "status", "--porcelain", "--", "*.rs", "*.toml", "*.proto")
    return head + ("+" if changed.strip() else "")


def processor_time():
    """All of the processors' time since boot, and what a hypervisor gave to others (proc(5))."""
    with open("/proc/stat") as file:
        ticks = [int(number) for number in file.readline().split()[1:9]]
    return sum(ticks), ticks[7]


def busy():
    """What other processes made of both cores in the last minute; more than 0.3 spoils figures."""
    return os.getloadavg()[0]
