"""How much of the time a radio really listened. Pure.

BlueZ stops hearing without a word, so silence proves nothing by itself. Each advert proves that the radio listened;
how long it may be silent before it counts as deaf depends on what it should hear: a heartbeat (a beacon of the
gateway's own, sent by another radio), the shop's beacons at their usual rate, or just anything.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

BASES = ("none", "any", "known", "heartbeat")
"""Weakest first."""
HEARTBEATS = 10
"""So many in a row are not lost by chance."""
PATIENCE_S = (2.0, 30.0)
KNOWN_PACKETS = 12
ANY_S = 30.0
GAPS = 32
"""Kept: more do not fit into the minute that anybody looks back."""
KNOWN_PER_S = 0.2
"""Below it the known ones are too few to tell anything."""
USUAL_S = 60.0
RECENT_S = 300.0
RECENT_STEP_S = 10.0
MEASURE_S = 20.0
"""After a scan began."""
MEASURE_INTERVAL_S = 2.0
"""Slower beacons say too little in that time."""
MEASURE_DBM = -85
"""Weaker ones lose packets by themselves."""
DEDUP_BELOW = 1 / 3


class Listened(NamedTuple):
    covered_s: float
    basis: str


class Coverage:
    """One radio."""

    def __init__(self, at_s: float) -> None:
        self.adverts = 0
        self.known = 0
        """Of them, of the shop's beacons."""
        self.heard_s = -math.inf
        self.gaps: deque[tuple[float, float]] = deque(maxlen=GAPS)
        """Silences in which the radio was deaf, for all that is known: from, to."""
        self.listened_s = 0.0
        """Since the start, proven: a clock that stands still while the radio is deaf."""
        self.told_s = 0.0
        """Since the start, by the driver's word: the scan was on."""
        self.expected_per_s = 0.0
        """Known adverts, as usual."""
        self.per_s = 0.0
        self._learned_s = 0.0
        self._known_before = self._adverts_before = 0
        self._told_to_s = self._tick_s = at_s
        self._basis, self._patience_s = "any", ANY_S
        self._proven_s = 0.0
        """Since the last tick."""
        self._was_deaf = False
        """In that time."""
        self._by_basis = dict.fromkeys(BASES, 0.0)
        self._recent: deque[tuple[float, float]] = deque(maxlen=int(RECENT_S / RECENT_STEP_S) + 1)

    def told(self, from_s: float, to_s: float) -> None:
        """The scan was on in this time, as far as the driver knows."""
        from_s = max(from_s, self._told_to_s)
        if to_s > from_s:
            self.told_s += to_s - from_s
            self._told_to_s = to_s

    def heard(self, at_s: float) -> None:
        """The hot path. Each gap is judged by itself: ticks may come late."""
        self.adverts += 1
        gap_s = at_s - self.heard_s
        if gap_s <= self._patience_s:
            self._proven_s += gap_s
        else:
            self._was_deaf = True
            self.gaps.append((self.heard_s, at_s))
        self.heard_s = at_s

    def tick(self, now_s: float, *, heartbeat_s: float | None) -> None:
        """`heartbeat_s`: interval of the fastest heartbeat this radio hears; None: there is none."""
        new, known = self.adverts - self._adverts_before, self.known - self._known_before
        self._adverts_before, self._known_before = self.adverts, self.known
        since_s = max(0.001, now_s - self._tick_s)
        self.per_s += (new / since_s - self.per_s) * (1 - math.exp(-since_s / 10))
        self._tick_s = now_s
        proven_s, self._proven_s = self._proven_s, 0.0
        was_deaf, self._was_deaf = self._was_deaf, False
        self.listened_s += proven_s
        self._by_basis[self._basis] += proven_s
        if proven_s > 0 and not was_deaf:
            self._learned_s = min(USUAL_S, self._learned_s + proven_s)
            self.expected_per_s += (known / proven_s - self.expected_per_s) * min(1.0, proven_s / self._learned_s)
        self._basis, self._patience_s = self._patience(heartbeat_s)
        if not self._recent or now_s - self._recent[-1][0] >= RECENT_STEP_S:
            self._recent.append((now_s, self.listened_s))

    def lately(self, now_s: float) -> float | None:
        """Share of the last minutes; None: too early, or nothing was ever heard."""
        if not self.adverts or not self._recent or now_s - self._recent[0][0] < RECENT_STEP_S:
            return None
        from_s, before_s = self._recent[0]
        return min(1.0, (self.listened_s - before_s + min(1.0, now_s - self.heard_s)) / (now_s - from_s))

    @property
    def basis(self) -> str:
        """Of the open interval: what most of it was told from."""
        return max(BASES, key=lambda basis: self._by_basis[basis]) if any(self._by_basis.values()) else "none"

    def take(self) -> Listened:
        """What was covered since the last time."""
        listened = Listened(sum(self._by_basis.values()), self.basis)
        self._by_basis = dict.fromkeys(BASES, 0.0)
        return listened

    def put_back(self, listened: Listened) -> None:
        self._by_basis[listened.basis] += listened.covered_s

    def _patience(self, heartbeat_s: float | None) -> tuple[str, float]:
        low_s, high_s = PATIENCE_S
        if heartbeat_s is not None:
            return "heartbeat", min(high_s, max(low_s, HEARTBEATS * heartbeat_s))
        if self.expected_per_s >= KNOWN_PER_S:
            return "known", min(high_s, max(low_s, KNOWN_PACKETS / self.expected_per_s))
        return "any", ANY_S


class Sample(NamedTuple):
    """One known beacon at one radio since its scan began."""

    interval_s: float
    heard: int
    dbm: float


class Measured(NamedTuple):
    expected_per_s: float
    heard_per_s: float
    dedup_suspected: bool


def measured(samples: list[Sample], seconds: float) -> Measured | None:
    """Are known beacons heard as often as they speak? None: no beacon near enough to tell."""
    near = [one for one in samples if one.heard and one.dbm >= MEASURE_DBM and one.interval_s <= MEASURE_INTERVAL_S]
    if not near:
        return None
    expected = sum(1 / one.interval_s for one in near)
    heard = sum(one.heard for one in near) / seconds
    return Measured(round(expected, 2), round(heard, 2), heard < expected * DEDUP_BELOW)
