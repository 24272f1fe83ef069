"""One radio's silence: what was surely listened, and when it means that the radio is deaf. Pure: times come in.

Time counts as listened up to the last advertisement; a silence counts too, once something is heard after it, unless
it was long enough to be a stall: BlueZ stops hearing without a word, and that time must not look like an empty shop.
"""

from __future__ import annotations

import math

MISSED = 10
"""So many advertisements are not lost by chance."""
USUAL_STALLS = 10
"""Traffic is averaged over so many times `stall_s`."""


class Silence:
    """Of one scan. `heard` is the hot path: it only notes."""

    def __init__(self, at_s: float, *, stall_s: float, usual_per_s: float) -> None:
        self._stall_s = stall_s
        self._tick_s = self._told_s = self._last_s = at_s
        self._count_before = 0
        self.count = 0
        self.usual_per_s = usual_per_s
        """Of all that is on the air, late; taken over from the scan before."""

    def began(self, at_s: float) -> None:
        """The scan is on; before, nothing was listened."""
        self._tick_s = self._told_s = at_s
        self._last_s = max(self._last_s, at_s)

    def heard(self, at_s: float) -> None:
        self.count += 1
        self._last_s = at_s

    def tick(self, now_s: float) -> tuple[float, float] | None:
        """What was listened since the last time; None: nothing is proven."""
        new, since_s = self.count - self._count_before, now_s - self._tick_s
        self._count_before, self._tick_s = self.count, now_s
        if since_s > 0:
            share = 1 - math.exp(-since_s / (USUAL_STALLS * self._stall_s))
            self.usual_per_s += (new / since_s - self.usual_per_s) * share
        if not new or self._last_s <= self._told_s:
            return None
        from_s, self._told_s = self._told_s, self._last_s
        return from_s, self._last_s

    def stalled(self, now_s: float, *, expected_per_s: float, patience: int = 1) -> bool:
        """Something should have been heard for long."""
        silent_s = now_s - self._last_s
        missed = max(expected_per_s, self.usual_per_s) * silent_s
        return silent_s >= self._stall_s * patience and missed >= MISSED
