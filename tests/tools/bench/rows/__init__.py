"""The rows: each is a function that measures and yields figures, under the name it is asked by."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Row:
    """A row: its name, its table, about how many seconds it takes, and what measures it."""

    name: str
    table: str
    seconds: int
    measure: Callable


ROWS = {}


def row(name, table, seconds):
    def register(measure):
        ROWS[name] = Row(name, table, seconds, measure)
        return measure

    return register
