"""Signal strengths of one beacon at one radio → how strong it is, and how sure that is. Pure.

A median in a window of time resists single fades and reflections, where filters on raw strengths jump. The window
follows the interval at which the beacon is heard: a slow one gets a longer window, a fast one does not lag. What
comes out is a level and near, mid or far; metres would be a promise that radio can't keep.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from edge.events import Proximity

SAMPLES = 32
"""Kept of a window; more of them would not make its median better."""
WINDOW_S = 3.0
WINDOW_INTERVALS = 6
GAP_S = WINDOW_S / SAMPLES * 0.9
"""Faster beacons are thinned out to this."""
SILENT_S = 10.0
SILENT_INTERVALS = 10
FASTEST_S = 0.02
SLOWEST_S = 10.0
"""A controller that drops duplicates reports a beacon about so often."""
ABSENT_S = 30.0
"""A longer gap is no interval."""
ENOUGH = 4
"""Samples of which a median is sure."""
PATH_LOSS = 2.7
"""Exponent in rooms with shelves (ESPresense uses the same)."""
NEAR_DB = 10.0
"""Weaker than at one metre by at most this: arm's length to two metres."""
MID_DB = 20.0
SPEED_M_S = 3.0
"""Nobody in a shop is faster; what seems to be is a fade."""
APART_DB = 6.0
"""Between coming and going."""


class Level(NamedTuple):
    """One beacon at one radio, now."""

    dbm: float
    """Median."""
    spread_db: float
    """Between the quartiles."""
    samples: int


class Window:
    """The last few seconds of one beacon at one radio."""

    __slots__ = ("_interval_s", "_kept_s", "_least_s", "_samples", "heard", "interval_s", "last_s")

    def __init__(self, interval_s: float, *, least_s: float = WINDOW_S) -> None:
        """`interval_s`: of its document, until enough was heard to tell."""
        self._least_s = least_s
        self._samples: deque[tuple[float, int]] = deque(maxlen=SAMPLES)
        self._kept_s = -math.inf
        self.heard = 0
        """Since the start."""
        self.last_s = -math.inf
        self._interval_s = interval_s
        """As heard, smoothed: with lost packets and dropped duplicates it is longer than what is sent."""
        self.interval_s = interval_s

    @property
    def length_s(self) -> float:
        return max(self._least_s, WINDOW_INTERVALS * self.interval_s)

    @property
    def silent_s(self) -> float:
        """After so much silence it is gone."""
        return max(SILENT_S, SILENT_INTERVALS * self.interval_s)

    def add(self, at_s: float, rssi_dbm: int) -> None:
        """The hot path. A strength that is none (127: not available) only counts as heard."""
        self.heard += 1
        gap_s = at_s - self.last_s
        self.last_s = at_s
        if 0 < gap_s < ABSENT_S:
            interval_s = self._interval_s
            self._interval_s = interval_s + 0.1 * (min(gap_s, 10 * interval_s) - interval_s)
        if at_s - self._kept_s >= GAP_S and -127 < rssi_dbm <= 20:
            self._kept_s = at_s
            self._samples.append((at_s, rssi_dbm))

    def level(self, now_s: float) -> Level | None:
        """None: not heard in the window."""
        samples = self._samples
        self.interval_s = min(SLOWEST_S, max(FASTEST_S, self._interval_s))
        oldest_s = now_s - self.length_s
        while samples and samples[0][0] < oldest_s:
            samples.popleft()
        if not samples:
            return None
        strengths = sorted(rssi_dbm for _, rssi_dbm in samples)
        count = len(strengths)
        middle = (strengths[(count - 1) // 2] + strengths[count // 2]) / 2
        return Level(middle, float(strengths[3 * (count - 1) // 4] - strengths[(count - 1) // 4]), count)

    def strengths(self) -> list[int]:
        """In the order they were heard."""
        return [rssi_dbm for _, rssi_dbm in self._samples]


class Gate:
    """A level that moves no faster than somebody walks."""

    __slots__ = ("_at_s", "dbm")

    def __init__(self) -> None:
        self.dbm: float | None = None
        self._at_s = -math.inf

    def move(self, dbm: float, power_dbm: int, at_s: float) -> float:
        """`power_dbm`: at one metre."""
        if self.dbm is not None:
            way_m = SPEED_M_S * max(0.0, at_s - self._at_s)
            was_m = _metres(power_dbm - self.dbm)
            nearest, farthest = _loss(max(0.1, was_m - way_m)), _loss(was_m + way_m)
            dbm = min(max(dbm, power_dbm - farthest), power_dbm - nearest)
        self.dbm, self._at_s = dbm, at_s
        return dbm


class Threshold:
    """In above `dbm` for two samples, out below `dbm` − 6 for `out_s`."""

    __slots__ = ("_below_s", "_seen", "inside")

    def __init__(self) -> None:
        self.inside = False
        self._seen: int | None = None
        self._below_s: float | None = None

    def judge(self, level_dbm: float, *, dbm: float, heard: int, at_s: float, out_s: float) -> bool:
        """`heard`: how many samples there were so far: one is not taken for two."""
        if self.inside:
            if level_dbm >= dbm - APART_DB:
                self._below_s = None
            elif self._below_s is None:
                self._below_s = at_s
            elif at_s - self._below_s >= out_s:
                self.reset()
        elif level_dbm < dbm:
            self._seen = None
        elif self._seen is None:
            self._seen = heard
        elif heard > self._seen:
            self.reset()
            self.inside = True
        return self.inside

    def reset(self) -> None:
        self.inside, self._seen, self._below_s = False, None, None


def proximity(level: Level, power_dbm: int) -> tuple[Proximity, float]:
    """And how sure: 0.5 on the border, less with few samples, more the smaller the spread."""
    loss_db = power_dbm - level.dbm
    near = Proximity.NEAR if loss_db <= NEAR_DB else Proximity.MID if loss_db <= MID_DB else Proximity.FAR
    margin_db = min(abs(loss_db - NEAR_DB), abs(loss_db - MID_DB))
    sure = 1 - 0.5 * math.exp(-margin_db / max(2.0, level.spread_db))
    return near, round(sure * min(1.0, (level.samples + 1) / ENOUGH), 2)


def _metres(loss_db: float) -> float:
    return float(10 ** (min(loss_db, 80.0) / (10 * PATH_LOSS)))


def _loss(metres: float) -> float:
    return 10 * PATH_LOSS * math.log10(metres)
