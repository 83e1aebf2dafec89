"""What was measured, and what was hoped for."""

from dataclasses import asdict, dataclass


@dataclass
class Figure:
    """One line of a table. `met` is None where nothing was promised."""

    what: str
    aim: str
    measured: str
    value: float = 0.0
    met: bool = None
    detail: str = ""

    def as_dict(self):
        return asdict(self)


def at_least(what, bound, value, detail="", times=False):
    unit = " ×" if times else ""
    shown = f"{value:.1f}" if times else f"{value:.2f}"
    return Figure(what, f"≥ {bound}{unit}", shown + unit, value, value >= bound, detail)


def at_most(what, bound, value, unit, detail="", digits=0):
    shown = f"{value:,.{digits}f} {unit}"
    return Figure(what, f"≤ {bound} {unit}", shown, value, value <= bound, detail)


def reported(what, value, unit, detail="", digits=0):
    return Figure(what, "reported", f"{value:,.{digits}f} {unit}", value, None, detail)


def per_second(pairs, left="", right=""):
    """Both medians of pairs of rates, in words."""
    one, other = pairs.medians()
    return f"{one:,.0f}{left} against {other:,.0f}{right} a second; {pairs.spread()}"
