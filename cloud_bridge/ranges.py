"""Sets of sequence numbers that stay small because they are mostly runs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """Sorted, disjoint, merged runs; both ends belong to a run."""

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in runs:
            self.add(first, last)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ranges({list(self)})"

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._firsts, seq) - 1
        return at >= 0 and seq <= self._lasts[at]

    @property
    def count(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    @property
    def runs(self) -> int:
        return len(self._firsts)

    def add(self, first: int, last: int) -> None:
        """Adds a run; runs that touch become one. An empty run (`last < first`) adds nothing."""
        if last < first:
            return
        low = bisect_right(self._lasts, first - 2)  # the first run that reaches first - 1 or beyond
        high = bisect_right(self._firsts, last + 1)  # one after the last run that begins by last + 1
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def add_all(self, seqs: Iterable[int]) -> None:
        """Adds numbers; quick when they come in order."""
        first = last = -1
        for seq in seqs:
            if seq == last + 1 and first >= 0:
                last = seq
                continue
            if first >= 0:
                self.add(first, last)
            first = last = seq
        if first >= 0:
            self.add(first, last)

    def cut(self, through: int) -> list[tuple[int, int]]:
        """Takes out, and returns, all numbers up to `through`."""
        taken: list[tuple[int, int]] = []
        while self._firsts and self._firsts[0] <= through:
            first, last = self._firsts.pop(0), self._lasts.pop(0)
            taken.append((first, min(last, through)))
            if last > through:
                self._firsts.insert(0, through + 1)
                self._lasts.insert(0, last)
        return taken

    def take(self) -> list[tuple[int, int]]:
        """Takes out, and returns, everything."""
        taken = list(self)
        self._firsts, self._lasts = [], []
        return taken

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The runs of `first`..`last` that are not in here."""
        gaps: list[tuple[int, int]] = []
        at = first
        for low, high in self:
            if high < at:
                continue
            if low > last:
                break
            if low > at:
                gaps.append((at, low - 1))
            at = max(at, high + 1)
        if at <= last:
            gaps.append((at, last))
        return gaps
