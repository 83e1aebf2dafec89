"""Figures as Markdown, as JSON, and in docs/benchmarks.md."""

import json
import os

import host
from rows import ROWS

PAGE = os.path.join(host.ROOT, "docs/benchmarks.md")
BEGIN = "<!-- figures: `make bench` writes from here -->"
END = "<!-- figures: to here -->"
MARKS = {True: "✓", False: "**✗**", None: ""}


def load_kept(path):
    """What earlier runs measured, so that a row can be measured again alone."""
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def keep(path, measured):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w") as file:
        json.dump(measured, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(path + ".new", path)


def tables(measured):
    """One table for each group of rows, in the order of the rows."""
    out = []
    for table in dict.fromkeys(row.table for row in ROWS.values()):
        names = [name for name in ROWS if ROWS[name].table == table and name in measured]
        if not names:
            continue
        out += [f"### {table}", "", "| What | Aim | Measured | | How it came about |"]
        out += ["| --- | --- | --- | --- | --- |"]
        out += [line(figure) for name in names for figure in measured[name]["figures"]]
        out += [
            f"| `{name}` | | not measured | | {measured[name]['unmeasured']} |"
            for name in names
            if measured[name].get("unmeasured")
        ]
        out.append("")
    return "\n".join(out)


def line(figure):
    mark = MARKS[figure["met"]]
    cells = [figure["what"], figure["aim"], f"**{figure['measured']}**", mark, figure["detail"]]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def conditions(measured):
    """The machine and the revisions; rows of one run share a line."""
    runs = {}
    for name, one in measured.items():
        where = (one["machine"], one["revision"], one["date"], one["quick"])
        runs.setdefault(where, []).append(f"`{name}`")
    lines = []
    for (machine, revision, date, quick), names in runs.items():
        rows = "" if len(runs) == 1 else f" ({', '.join(names)})"
        quickly = " Quickly, with less of everything." if quick else ""
        lines.append(f"{machine}; revision {revision}; {date}{rows}.{quickly}")
    stolen = [f"`{name}` {one['stolen']} %" for name, one in measured.items() if one.get("stolen")]
    if stolen:
        lines.append(f"Of the processors' time, a hypervisor gave to others: {', '.join(stolen)}.")
    return "\n".join(lines)


def markdown(measured):
    return f"{conditions(measured)}\n\n{tables(measured)}"


def write_page(measured):
    with open(PAGE) as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    with open(PAGE, "w") as file:
        file.write(f"{head}{BEGIN}\n\n{markdown(measured)}\n{END}{tail}")
