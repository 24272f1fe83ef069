"""How many questions a guest may ask, and all together. Bounded, whoever makes up addresses. Pure."""

from __future__ import annotations

EACH_PER_S = 20.0
EACH_BURST = 60.0
"""A phone that joins asks for all its apps at once."""
STRANGERS_PER_S = 200.0
"""Of all together whose hardware address is not known yet: a phone's first questions, or made-up senders."""
ALL_PER_S = 2000.0
LOOKUPS_PER_S = 5.0
LOOKUPS_BURST = 25.0
"""Of one guest in the walled garden: each may go out to the internet."""
MOST_KEPT = 4096


class Bucket:
    __slots__ = ("_at_s", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s, self._burst, self._left, self._at_s = per_s, burst, burst, now_s

    def take(self, now_s: float) -> bool:
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Buckets:
    """One for each guest; when there are too many, who has been quiet longest is forgotten."""

    def __init__(self, per_s: float, burst: float, *, most: int = MOST_KEPT) -> None:
        self._per_s, self._burst, self._most = per_s, burst, most
        self._all: dict[str, Bucket] = {}

    def take(self, who: str, now_s: float) -> bool:
        bucket = self._all.pop(who, None)
        if bucket is None:
            if len(self._all) >= self._most:
                del self._all[next(iter(self._all))]
            bucket = Bucket(self._per_s, self._burst, now_s)
        self._all[who] = bucket
        return bucket.take(now_s)

    def __len__(self) -> int:
        return len(self._all)
