"""Measures what docs/benchmarks.md reports: all rows, or those that are named.

    python3 tests/tools/bench [--quick] [--write] [--no-build] [--json FILE] [ROW…]

Prints Markdown and keeps JSON in target/bench/figures.json, where a row that is measured again
replaces what it said before; `--write` puts the tables into docs/benchmarks.md. All traffic goes
to loopback. A row that cannot be measured says why; one that fails makes the whole fail, after
the others.
"""

import argparse
import datetime
import os
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True

import host  # noqa: E402
import report  # noqa: E402
import worlds  # noqa: E402
from rows import ROWS, core, throughput, peers, latency  # noqa: E402, F401
from rows import beside, freshness, footprint, signing_in  # noqa: E402, F401


class Bench:
    """One run: its folder, its datasets, and how thorough it is."""

    def __init__(self, folder, quick):
        self.folder, self.quick = folder, quick
        self.worlds = {}

    def size(self, full, quick):
        return quick if self.quick else full

    def world(self, name):
        """A dataset; made when it is first asked for."""
        if name not in self.worlds:
            self.worlds[name] = worlds.make(self.folder, name)
        return self.worlds[name]


def arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    listed = ", ".join(f"{row.name} (~{row.seconds} s)" for row in ROWS.values())
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"one of: {listed}")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--no-build", action="store_true", help="measure what is built")
    parser.add_argument("--json", default=os.path.join(host.KEPT, "figures.json"))
    asked = parser.parse_args()
    if unknown := [name for name in asked.rows if name not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}")
    return asked


def measure(bench, row):
    """The figures of a row, or why there are none; and whether it failed."""
    host.say(f"{row.name}: about {row.seconds} s")
    begun, (all_before, stolen_before) = time.monotonic(), host.processor_time()
    figures, reason, failed = [], "", False
    try:
        for figure in row.measure(bench):
            host.say(f"  {figure.what}: {figure.measured} (aim: {figure.aim}) {figure.detail}")
            figures.append(figure.as_dict())
    except host.Unmeasured as trouble:
        reason = str(trouble)
    except Exception as trouble:  # One row that fails must not take the others with it.
        traceback.print_exc()
        reason, failed = f"failed: {str(trouble).splitlines()[0][:200]}", True
    seconds = round(time.monotonic() - begun, 1)
    all_after, stolen_after = host.processor_time()
    stolen = round(100 * (stolen_after - stolen_before) / max(1, all_after - all_before))
    host.say(f"  {reason or 'done'}, {seconds} s; {stolen} % of the processors went to others")
    one = {"figures": figures, "unmeasured": reason, "seconds": seconds, "stolen": stolen}
    one |= {"machine": host.machine(), "revision": host.revision(), "quick": bench.quick}
    return one | {"date": datetime.date.today().isoformat()}, failed


def main():
    asked = arguments()
    os.makedirs(host.KEPT, exist_ok=True)
    if not asked.no_build:
        host.build()
    host.need("h2load", "nghttp2-client")
    if host.busy() > 0.5:
        host.say(f"This machine is busy (load {host.busy():.1f}): these figures will not be good.")
    measured, failures = report.load_kept(asked.json), []
    this_run = {}
    with tempfile.TemporaryDirectory(prefix="gatepost-bench-") as folder:
        bench = Bench(folder, asked.quick)
        for name in asked.rows or ROWS:
            this_run[name], failed = measure(bench, ROWS[name])
            failures += [name] if failed else []
            measured[name] = this_run[name]
            report.keep(asked.json, measured)
    print(report.markdown(this_run))
    if asked.write:
        report.write_page({name: measured[name] for name in ROWS if name in measured})
    if failures:
        sys.exit(f"failed: {', '.join(failures)}")


if __name__ == "__main__":
    main()
