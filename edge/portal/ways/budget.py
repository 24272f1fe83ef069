"""How much somebody may cost in a day. Pure; bounded by what all together may."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

DAY_MS = 86_400_000
MAX_KNOWN = 100_000
"""No shop sends so many; the first of the day is forgotten first."""


class _Spent(NamedTuple):
    times: int
    before: int
    """Monotonic ms: when the one before the last was, for `give_back`."""
    last: int


class DayBudget:
    """`most` in 24 hours, from the first one on; no two within `pause_ms`.

    Monotonic, for a clock that is set must not bring a new day.
    """

    def __init__(self, most: int, *, pause_ms: int = 0) -> None:
        self._most = most
        self._pause_ms = pause_ms
        self._spent: OrderedDict[str, _Spent] = OrderedDict()
        self._began_ms: int | None = None

    def has(self, who: str, *, monotonic_ms: int) -> bool:
        if self._began_ms is None or monotonic_ms - self._began_ms >= DAY_MS:
            self._began_ms = monotonic_ms
            self._spent.clear()
        spent = self._spent.get(who)
        if spent is None:
            return self._most > 0
        return spent.times < self._most and monotonic_ms - spent.last >= self._pause_ms

    def take(self, who: str, *, monotonic_ms: int) -> bool:
        """Whether it may be spent now; then it is."""
        if not self.has(who, monotonic_ms=monotonic_ms):
            return False
        spent = self._spent.get(who) or _Spent(0, monotonic_ms - self._pause_ms, monotonic_ms - self._pause_ms)
        self._spent[who] = _Spent(spent.times + 1, spent.last, monotonic_ms)
        if len(self._spent) > MAX_KNOWN:
            self._spent.popitem(last=False)
        return True

    def give_back(self, who: str) -> None:
        """One that was taken and did not come to anything; its pause too."""
        spent = self._spent.get(who)
        if spent is not None and spent.times:
            self._spent[who] = _Spent(spent.times - 1, spent.before, spent.before)
