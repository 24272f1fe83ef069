"""How often somebody may do something. Pure; bounded however many there are."""

from __future__ import annotations

from collections import OrderedDict

MAX_KNOWN = 10_000
"""The one seen longest ago is forgotten first: it has earned its full allowance again long since."""


class Rate:
    """`burst` at once, and one more each `each_s`."""

    def __init__(self, *, burst: int, each_s: float) -> None:
        self._burst = burst
        self._each_ms = each_s * 1000
        self._free_at_ms: OrderedDict[str, float] = OrderedDict()

    def has(self, who: str, *, monotonic_ms: int, count: int = 1) -> bool:
        """Whether so many may be done now."""
        free_at_ms = max(self._free_at_ms.get(who, 0.0), float(monotonic_ms))
        return free_at_ms <= monotonic_ms + (self._burst - count) * self._each_ms

    def take(self, who: str, *, monotonic_ms: int, count: int = 1) -> bool:
        """Whether so many may be done now; then they count."""
        if not self.has(who, monotonic_ms=monotonic_ms, count=count):
            return False
        self._free_at_ms[who] = max(self._free_at_ms.get(who, 0.0), float(monotonic_ms)) + count * self._each_ms
        self._free_at_ms.move_to_end(who)
        if len(self._free_at_ms) > MAX_KNOWN:
            self._free_at_ms.popitem(last=False)
        return True

    def give_back(self, who: str) -> None:
        """One that was taken and did not come to anything."""
        if who in self._free_at_ms:
            self._free_at_ms[who] -= self._each_ms
