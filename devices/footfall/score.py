"""How good a count is: counted crossings against true ones. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from devices.footfall.crossing import Crossing
from edge.errors import UsageError

WITHIN_S = 0.8
"""A counted crossing and a true one may be this far apart and be the same person's."""


class Score(NamedTuple):
    true: int
    counted: int
    matched: int
    right_way: int
    missed: tuple[Crossing, ...]
    false: tuple[Crossing, ...]

    @property
    def precision(self) -> float:
        """Share of what was counted that was somebody."""
        return self.matched / self.counted if self.counted else 1.0

    @property
    def recall(self) -> float:
        """Share of the people that were counted."""
        return self.matched / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        both = self.true + self.counted
        return 2 * self.matched / both if both else 1.0

    @property
    def net_error(self) -> float:
        """(counted - true) / true: what a daily sum is off by. Hides errors that cancel out."""
        return (self.counted - self.true) / self.true if self.true else float(self.counted)

    @property
    def direction(self) -> float:
        """Share of the matched ones whose direction is right."""
        return self.right_way / self.matched if self.matched else 1.0


def matched(counted: Iterable[Crossing], true: Iterable[Crossing], *, within_s: float = WITHIN_S) -> Score:
    """Each counted crossing, in order of time, takes the nearest free true one within ±`within_s`.

    Of several the same way goes first, then the nearer in place and time. No true one is taken twice.
    """
    free = sorted(true)
    total, count, right = len(free), 0, 0
    false: list[Crossing] = []
    for crossing in sorted(counted):
        count += 1
        near = [other for other in free if abs(other.time_s - crossing.time_s) <= within_s]
        if not near:
            false.append(crossing)
            continue
        best = min(near, key=lambda other: _distance(other, crossing))
        free.remove(best)
        right += best.forward is crossing.forward
    return Score(total, count, count - len(false), right, tuple(free), tuple(false))


def _distance(one: Crossing, other: Crossing) -> tuple[bool, float]:
    return one.forward is not other.forward, abs(one.time_s - other.time_s) + abs(one.place - other.place)


def read_truth(path: Path) -> list[Crossing]:
    """A CSV file with the columns time_s, place (0 to 1), direction (forward, backward); more are ignored.

    Raises UsageError with the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [_truth(row, line, path) for line, row in enumerate(csv.DictReader(file), start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"can't read {path}: {error}") from error


def _truth(row: dict[str, str | Sequence[str] | None], line: int, path: Path) -> Crossing:
    problem, direction = f"direction is {row.get('direction')!r}, wanted forward or backward", row.get("direction")
    if direction in {"forward", "backward"}:
        try:
            return Crossing(float(str(row.get("time_s"))), float(str(row.get("place"))), direction == "forward")
        except ValueError as error:
            problem = str(error)
    raise UsageError(f"{path}, line {line}: {problem}", hint="wanted the columns time_s,place,direction")
