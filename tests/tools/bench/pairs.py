"""Pairs: two things measured in turn, so that both have the same machine."""

import statistics
from dataclasses import dataclass


@dataclass
class Pairs:
    """What each of the two gave, pair by pair."""

    left: list
    right: list

    def ratios(self):
        return [left / right for left, right in zip(self.left, self.right)]

    def ratio(self):
        return statistics.median(self.ratios())

    def medians(self):
        return statistics.median(self.left), statistics.median(self.right)

    def spread(self):
        ratios = sorted(self.ratios())
        quarter = len(ratios) // 4
        low, high = ratios[quarter], ratios[-1 - quarter]
        return f"half of {len(ratios)} pairs from {low:.2f} to {high:.2f}"


def measure(count, left, right, warm_up=True):
    """Measures A B, B A, A B …; each is called once before, and that does not count."""
    if warm_up:
        left(), right()
    pairs = Pairs([], [])
    for number in range(count):
        if number % 2:
            pairs.right.append(right())
            pairs.left.append(left())
        else:
            pairs.left.append(left())
            pairs.right.append(right())
    return pairs
