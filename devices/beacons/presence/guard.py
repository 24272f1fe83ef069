"""What is wrong with one of the shop's beacons: cloned, replayed, moved, re-programmed, weak, silent, battery. Pure.

Each problem begins once and ends once: evidence must last before it counts, and be gone for a while before it is
over. What is usual is learned while the gateway runs and is gone with it; per beacon and radio it is two numbers.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from devices.beacons.presence.window import Level
from edge.events import BeaconProblem

RETURNS = 3
"""A beacon that renews its address never comes back to the old one. So often in a minute, it is two beacons."""
RETURNS_S = 60.0
RETURN_S = 3.0
"""Apart at least: two radios may report one change of address in turns for a moment."""
BACK_S = 30.0
ADDRESSES = 4
"""Remembered of one id."""
PATTERNS_DB = 20.0
"""Two beacons with the same address: two strengths so far apart, by turns, and too many packets for one."""
PATTERNS_BETWEEN_DB = 3.0
"""Hardly anything lies so close to their middle."""
PATTERNS_SAMPLES = 16
PATTERNS_TURNS = 6
PATTERNS_RATE = 1.6
LATE_S = 60.0
LEARN_S = 600.0
LEARNED_S = 3600.0
MOVED_DB = 12.0
BACK_DB = 6.0
SETTLED_S = 24 * 3600.0
"""Then where it is now is where it belongs."""
WEAK_DBM = -92.0
STRONG_DBM = -88.0
WEAK_RATE = 0.3
STRONG_RATE = 0.6
SILENT_S = 60.0
SILENT_INTERVALS = 20
BATTERY_LOW = 15
BATTERY_FINE = 25
SUSPECTS = 64
SUSPECT_ADVERTS = 3
SUSPECT_S = 3.0
ANSWERED = 256
INNOCENT_S = 900.0

LASTS_S: dict[BeaconProblem, tuple[float, float]] = {
    BeaconProblem.CLONED: (0.0, 300.0),
    BeaconProblem.REPLAYED: (0.0, 600.0),
    BeaconProblem.MOVED: (900.0, 300.0),
    BeaconProblem.REPROGRAMMED: (30.0, 10.0),
    BeaconProblem.WEAK: (600.0, 300.0),
    BeaconProblem.SILENT: (0.0, 5.0),
    BeaconProblem.BATTERY_LOW: (30.0, 30.0),
}
"""How long evidence must last until a problem begins, and be gone until it is over."""


class Flag:
    """One problem of one beacon."""

    __slots__ = ("_other_s", "wrong")

    def __init__(self, *, wrong: bool = False) -> None:
        self.wrong = wrong
        self._other_s: float | None = None

    def judge(self, wrong: bool | None, at_s: float, lasts_s: tuple[float, float]) -> bool:  # noqa: FBT001 - a verdict
        """None: nothing can be said now, one way or the other. True: it has just begun or ended."""
        if wrong is self.wrong:
            self._other_s = None
        if wrong is None or wrong is self.wrong:
            return False
        if self._other_s is None:
            self._other_s = at_s
        if at_s - self._other_s < lasts_s[self.wrong]:
            return False
        self.wrong, self._other_s = wrong, None
        return True


class Addresses:
    """Which addresses say one id, to tell two beacons from one that renewed its address."""

    __slots__ = ("_last_s", "_returns")

    def __init__(self) -> None:
        self._last_s: dict[str, float] = {}
        self._returns: deque[float] = deque(maxlen=RETURNS)

    def changed(self, *, before: str, before_s: float, after: str, at_s: float) -> None:
        """Another address than that of the advert before."""
        back = at_s - self._last_s.pop(after, -math.inf) <= BACK_S
        if back and (not self._returns or at_s - self._returns[-1] >= RETURN_S):
            self._returns.append(at_s)
        self._last_s.pop(before, None)
        self._last_s[before] = before_s
        if len(self._last_s) > ADDRESSES:
            del self._last_s[next(iter(self._last_s))]

    def several(self, at_s: float) -> bool:
        return len(self._returns) == RETURNS and at_s - self._returns[0] <= RETURNS_S


class Usual:
    """What a beacon is like at one radio."""

    __slots__ = ("_away_s", "_learned_s", "_placed_s", "dbm", "late_dbm", "per_s", "rate")

    def __init__(self) -> None:
        self.dbm: float | None = None
        self.late_dbm: float | None = None
        """Of the last minute or so: somebody who stands in the way passes."""
        self.per_s: float | None = None
        self.rate: float | None = None
        """Adverts a second of late."""
        self._learned_s = self._placed_s = 0.0
        self._away_s = 0.0

    @property
    def learned(self) -> bool:
        """Its rate."""
        return self._learned_s >= LEARN_S

    @property
    def placed(self) -> bool:
        """Its strength."""
        return self._placed_s >= LEARN_S

    def remember(self, dbm: float) -> None:
        """Was usual before this start."""
        self.dbm, self._placed_s = dbm, LEARNED_S

    def learn(self, level: Level | None, heard: int, seconds: float) -> None:
        """`heard` adverts in `seconds` in which the radio surely listened."""
        rate, late = heard / seconds, min(1.0, seconds / LATE_S)
        self.rate = rate if self.rate is None else self.rate + (rate - self.rate) * late
        if level is None:
            return
        self._learned_s = min(LEARNED_S, self._learned_s + seconds)
        self._placed_s = min(LEARNED_S, self._placed_s + seconds)
        share = min(1.0, seconds / self._learned_s)
        self.per_s = rate if self.per_s is None else self.per_s + (rate - self.per_s) * share
        self.late_dbm = level.dbm if self.late_dbm is None else self.late_dbm + (level.dbm - self.late_dbm) * late
        away_db = self.away_db
        self._away_s = self._away_s + seconds if away_db >= MOVED_DB else 0.0
        if self.dbm is None or not self.placed or away_db < MOVED_DB:
            share = min(1.0, seconds / self._placed_s)
            self.dbm = level.dbm if self.dbm is None else self.dbm + (level.dbm - self.dbm) * share
        elif self._away_s >= SETTLED_S:
            self.dbm, self._away_s = self.late_dbm, 0.0

    @property
    def away_db(self) -> float:
        return 0.0 if self.dbm is None or self.late_dbm is None else abs(self.late_dbm - self.dbm)


class View(NamedTuple):
    """One beacon at one radio, now."""

    radio: str
    level: Level | None
    strengths: Sequence[int]
    interval_s: float
    usual: Usual
    silent_s: float
    """Of the time in which the radio surely listened."""


class Evidence:
    """What was noticed of one beacon between two judgements, and what it says of itself."""

    __slots__ = ("addresses", "battery_percent", "echoed_s", "replayed_s", "right_s", "said_other", "said_other_s")

    def __init__(self) -> None:
        self.addresses = Addresses()
        self.battery_percent: int | None = None
        self.replayed_s = -math.inf
        self.echoed_s = -math.inf
        """The radio that sends it heard it, which can't be."""
        self.right_s = -math.inf
        self.said_other_s = -math.inf
        self.said_other = 0
        """Adverts from its address with another id, since the last with the right one."""

    def said(self, *, at_s: float, adverts: int = 1) -> None:
        """Its address said another id."""
        if self.right_s > self.said_other_s:
            self.said_other = 0
        self.said_other_s, self.said_other = at_s, self.said_other + adverts


class Guard:
    """One beacon."""

    def __init__(self) -> None:
        self.evidence = Evidence()
        self._flags: dict[BeaconProblem, Flag] = {}

    def remember(self, problem: BeaconProblem) -> None:
        self._flags[problem] = Flag(wrong=True)

    @property
    def problems(self) -> tuple[BeaconProblem, ...]:
        return tuple(problem for problem, flag in self._flags.items() if flag.wrong)

    def judge(
        self, views: Sequence[View], *, interval_s: float, hangs: bool, at_s: float
    ) -> list[tuple[BeaconProblem, bool]]:
        """Problems that began or ended. What is carried is never moved, weak or silent."""
        evidence = self.evidence
        verdicts: dict[BeaconProblem, bool | None] = {
            BeaconProblem.CLONED: evidence.addresses.several(at_s)
            or at_s - evidence.echoed_s <= RETURNS_S
            or (hangs and any(_two_patterns(view, interval_s) for view in views)),
            BeaconProblem.REPLAYED: at_s - evidence.replayed_s <= RETURNS_S,
            BeaconProblem.REPROGRAMMED: _reprogrammed(evidence),
            BeaconProblem.BATTERY_LOW: _battery_low(evidence.battery_percent),
        }
        if hangs:
            verdicts[BeaconProblem.MOVED] = _moved(views)
            verdicts[BeaconProblem.WEAK] = _weak(views)
            silent = _silent(views, interval_s)
            verdicts[BeaconProblem.SILENT] = None if silent and verdicts[BeaconProblem.REPROGRAMMED] else silent
        changes = []
        for problem, wrong in verdicts.items():
            flag = self._flags.get(problem)
            if flag is None:
                if not wrong:
                    continue
                flag = self._flags[problem] = Flag()
            if flag.judge(wrong, at_s, LASTS_S[problem]):
                changes.append((problem, flag.wrong))
        return changes


class Suspects:
    """Ids that are not known but of our region: are they an old epoch's? Looked up one at a time, bounded."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[float, float, int]] = {}
        """Id → first heard, last heard, adverts."""
        self._innocent: dict[bytes, float] = {}
        """Id → when it was looked up."""

    def heard(self, spoken: bytes, at_s: float) -> None:
        if at_s - self._innocent.get(spoken, -math.inf) < INNOCENT_S:
            return
        known = self._waiting.get(spoken)
        if known is not None:
            self._waiting[spoken] = (known[0], at_s, known[2] + 1)
        elif len(self._waiting) < SUSPECTS:
            self._waiting[spoken] = (at_s, at_s, 1)

    def next(self, at_s: float) -> bytes | None:
        """The one most heard that lasts. Rarely heard ones are forgotten after a minute."""
        self._waiting = {one: seen for one, seen in self._waiting.items() if at_s - seen[1] <= RETURNS_S}
        ripe = [
            (adverts, one)
            for one, (first_s, last_s, adverts) in self._waiting.items()
            if adverts >= SUSPECT_ADVERTS and last_s - first_s >= SUSPECT_S
        ]
        if not ripe:
            return None
        spoken = max(ripe)[1]
        del self._waiting[spoken]
        return spoken

    def acquit(self, spoken: bytes, at_s: float) -> None:
        """It is nobody's: not asked again for a while."""
        self._innocent.pop(spoken, None)
        self._innocent[spoken] = at_s
        if len(self._innocent) > ANSWERED:
            del self._innocent[next(iter(self._innocent))]


def _two_patterns(view: View, interval_s: float) -> bool:
    """One beacon's own fades and channels differ too, but they do not double its packets."""
    strengths = view.strengths
    if len(strengths) < PATTERNS_SAMPLES or view.level is None or (view.usual.rate or 0.0) < PATTERNS_RATE / interval_s:
        return False
    ordered, quarter = sorted(strengths), len(strengths) // 4
    border = (ordered[quarter] + ordered[-quarter - 1]) / 2
    low, high = [one for one in ordered if one < border], [one for one in ordered if one >= border]
    if min(len(low), len(high)) < quarter or median(high) - median(low) < PATTERNS_DB:
        return False
    between = sum(abs(one - border) < PATTERNS_BETWEEN_DB for one in ordered)
    turns = sum((a >= border) != (b >= border) for a, b in itertools.pairwise(strengths))
    return between * 6 <= len(ordered) and turns >= PATTERNS_TURNS


def _reprogrammed(evidence: Evidence) -> bool | None:
    if evidence.said_other >= SUSPECT_ADVERTS and evidence.said_other_s - evidence.right_s > BACK_S:
        return True
    return False if evidence.right_s >= evidence.said_other_s and evidence.right_s > -math.inf else None


def _battery_low(percent: int | None) -> bool | None:
    if percent is None or BATTERY_LOW < percent < BATTERY_FINE:
        return None
    return percent <= BATTERY_LOW


def _moved(views: Sequence[View]) -> bool | None:
    """Any radio that hears it otherwise than usual says so; all must agree that it is back."""
    away = [view.usual.away_db for view in views if view.level is not None and view.usual.placed]
    if not away:
        return None
    if max(away) >= MOVED_DB:
        return True
    return False if max(away) < BACK_DB else None


def _weak(views: Sequence[View]) -> bool | None:
    """Where it is heard best: too faint, or far fewer packets than usual."""
    levels = [view.usual.late_dbm for view in views if view.level is not None and view.usual.late_dbm is not None]
    if not levels:
        return None
    rates = [
        view.usual.rate / view.usual.per_s
        for view in views
        if view.usual.learned and view.usual.rate is not None and view.usual.per_s
    ]
    if max(levels) <= WEAK_DBM or (rates and max(rates) <= WEAK_RATE):
        return True
    return False if max(levels) >= STRONG_DBM and (not rates or max(rates) >= STRONG_RATE) else None


def _silent(views: Sequence[View], interval_s: float) -> bool | None:
    """Only what was heard since the start can fall silent: a beacon out of every radio's reach is no news."""
    if not views:
        return None
    limit_s = max(SILENT_S, SILENT_INTERVALS * max([interval_s, *(view.interval_s for view in views)]))
    silent_s = min(view.silent_s for view in views)
    if silent_s >= limit_s:
        return True
    return False if silent_s < limit_s / 2 else None
