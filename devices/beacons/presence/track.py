"""All that is kept of one of the shop's beacons: how each radio hears it, where it is, what is wrong with it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from devices.beacons.presence.coverage import Coverage
from devices.beacons.presence.guard import Guard, Usual, View
from devices.beacons.presence.window import WINDOW_S, Gate, Level, Threshold, Window, proximity
from edge.events import Proximity
from edge.shop import Beacon, CarriedBy

ZONE_DB = 25.0
"""A zone reaches to where a beacon is so much weaker than at one metre: some eight metres."""
OUT_S = 20.0
"""Below the border for so long: somebody who stands in the way is not a farewell."""
OWNER_DB = 6.0
"""By so much another radio must hear it better …"""
OWNER_DB_S = 120.0
"""… in sum over time: 20 dB more than that for six seconds, 6 dB more for twenty. Slow fades do not last so long."""
UNHEARD_DB = 45.0
"""Below the power at one metre: what a radio counts as that does not hear it now."""
HANGING_S = 10.0
"""Least window of what does not move: steady rather than quick, and longer than the time between two judgements."""
BLIND_S = 60.0
"""A radio that hears nothing at all can't say that a beacon is gone; after so long it must be assumed."""


class Hearing:
    """One beacon at one radio."""

    __slots__ = (
        "_judged",
        "_judged_listened_s",
        "before",
        "gate",
        "last_dbm",
        "level",
        "listened_s",
        "threshold",
        "told_s",
        "usual",
        "window",
    )

    def __init__(self, interval_s: float, *, hangs: bool) -> None:
        self.window = Window(interval_s, least_s=HANGING_S if hangs else WINDOW_S)
        self.gate = Gate()
        self.threshold = Threshold()
        self.usual = Usual()
        self.level: Level | None = None
        self.last_dbm = -127.0
        """Of the last level there was."""
        self.listened_s = self.told_s = 0.0
        """The radio's clocks when it was last known to be heard."""
        self.before = 0
        """Heard when the scan began."""
        self._judged = 0
        self._judged_listened_s: float | None = None

    def look(self, coverage: Coverage, now_s: float) -> int:
        """Brings the level up to date; returns how many adverts there were since the last look."""
        self.level = self.window.level(now_s)
        if self.level is not None:
            self.last_dbm = self.level.dbm
        new = self.window.heard - self._judged
        self._judged = self.window.heard
        if new:
            self.listened_s, self.told_s = coverage.listened_s, coverage.told_s
        return new

    def learn(self, coverage: Coverage, new: int) -> None:
        """Only from time in which the radio surely listened."""
        if self._judged_listened_s is None:
            self._judged_listened_s = coverage.listened_s
        elif (seconds := coverage.listened_s - self._judged_listened_s) > 0:
            self.usual.learn(self.level, new, seconds)
            self._judged_listened_s = coverage.listened_s


class Where(NamedTuple):
    """A carried beacon in a zone."""

    zone: str
    radio: str
    proximity: Proximity
    confidence: float


class Track:
    __slots__ = (
        "_lead",
        "_lead_s",
        "_usual_dbm",
        "address",
        "beacon",
        "guard",
        "heard_s",
        "hearings",
        "interval_s",
        "owner",
        "sender",
    )

    def __init__(self, beacon: Beacon, *, sender: str) -> None:
        self.hearings: dict[str, Hearing] = {}
        self.address = ""
        """That it was last heard from."""
        self.heard_s = -math.inf
        self.guard = Guard()
        self._usual_dbm: dict[str, float] = {}
        self.owner = ""
        """The radio whose zone it is in; empty: in none."""
        self._lead: dict[str, float] = {}
        self._lead_s = -math.inf
        self.change(beacon, sender=sender)

    def change(self, beacon: Beacon, *, sender: str) -> None:
        """Its document has changed; what it says on the air has not."""
        self.beacon = beacon
        self.sender = sender
        """The radio that sends it, where it is the gateway's own."""
        self.interval_s = beacon.interval_ms / 1000

    @property
    def carried(self) -> bool:
        return self.beacon.carried_by is not CarriedBy.NOBODY

    def hearing(self, radio: str) -> Hearing:
        hearing = self.hearings[radio] = Hearing(self.interval_s, hangs=not self.carried)
        if radio in self._usual_dbm:
            hearing.usual.remember(self._usual_dbm[radio])
        return hearing

    def remember(self, radio: str, usual_dbm: float) -> None:
        """How this radio heard it before this start. It may be heard already, or never."""
        self._usual_dbm[radio] = usual_dbm
        if radio in self.hearings:
            self.hearings[radio].usual.remember(usual_dbm)

    def best(self) -> tuple[str, Level] | None:
        """The radio that hears it best now."""
        levels = [(radio, hearing.level) for radio, hearing in self.hearings.items() if hearing.level is not None]
        return max(levels, key=lambda one: one[1].dbm) if levels else None

    def witness(self, *, away: bool) -> str:
        """The radio that can tell: it hears it best; `away`: least as usual. Empty: none ever did."""
        heard = {radio: hearing for radio, hearing in self.hearings.items() if hearing.level is not None}
        best = self.best()
        if away and heard:
            return max(heard, key=lambda radio: heard[radio].usual.away_db)
        return best[0] if best else next(iter(self.hearings), "")

    def views(self, radios: Mapping[str, Coverage]) -> list[View]:
        return [
            View(
                radio=radio,
                level=hearing.level,
                strengths=hearing.window.strengths(),
                interval_s=hearing.window.interval_s,
                usual=hearing.usual,
                silent_s=radios[radio].listened_s - hearing.listened_s,
            )
            for radio, hearing in self.hearings.items()
        ]

    def place(self, zones: Mapping[str, str], radios: Mapping[str, Coverage], now_s: float) -> Where | str:
        """Where it is; or, as a word, why it is nowhere. Call once a second. `zones`: of radios that have one."""
        power_dbm, why = self.beacon.measured_power_dbm, "weak"
        levels: dict[str, float] = {}
        """Of the radios in whose reach it is."""
        for radio in zones.keys() & self.hearings.keys():
            hearing = self.hearings[radio]
            if gone := self._gone(hearing, radios[radio], now_s):
                hearing.threshold.reset()
                why = gone if radio == self.owner else why
                continue
            level_dbm = power_dbm - UNHEARD_DB
            if hearing.level is not None:
                level_dbm = hearing.gate.move(hearing.level.dbm, power_dbm, now_s)
                heard, border_dbm = hearing.window.heard, power_dbm - ZONE_DB
                hearing.threshold.judge(level_dbm, dbm=border_dbm, heard=heard, at_s=now_s, out_s=OUT_S)
            if hearing.threshold.inside and (hearing.level is not None or radio == self.owner):
                levels[radio] = level_dbm
        if not levels or (not self.owner and self._may_be_elsewhere(levels, zones)):
            self.owner = ""
            self._lead.clear()
            return why
        self._choose(levels, now_s)
        level = self.hearings[self.owner].level or Level(levels[self.owner], 0.0, 0)
        return Where(zones[self.owner], self.owner, *proximity(level, power_dbm))

    def excuse(self, radios: Mapping[str, Coverage]) -> None:
        """It could not be recognised of late: that it was silent means nothing."""
        for radio, hearing in self.hearings.items():
            hearing.listened_s, hearing.told_s = radios[radio].listened_s, radios[radio].told_s

    def _may_be_elsewhere(self, levels: Mapping[str, float], zones: Mapping[str, str]) -> bool:
        """Another radio hears it better, but not twice yet: worth a moment, or it comes into the wrong zone first."""
        heard = {radio: one.level.dbm for radio, one in self.hearings.items() if radio in zones and one.level}
        return max(heard, key=lambda radio: heard[radio]) not in levels

    def _choose(self, levels: Mapping[str, float], now_s: float) -> None:
        """Another radio takes over once its lead above 6 dB, summed over time, is enough."""
        since_s, self._lead_s = min(2.0, now_s - self._lead_s), now_s
        if self.owner not in levels:
            self.owner = max(levels, key=lambda radio: levels[radio])
            self._lead.clear()
        for radio in levels:
            lead = levels[radio] - levels[self.owner] - OWNER_DB
            self._lead[radio] = max(0.0, self._lead.get(radio, 0.0) + lead * since_s)
        ahead = max(levels, key=lambda radio: self._lead[radio])
        if self._lead[ahead] >= OWNER_DB_S:
            self.owner = ahead
            self._lead.clear()

    def _gone(self, hearing: Hearing, coverage: Coverage, now_s: float) -> str:
        """silent, stopped, or nothing."""
        limit_s = hearing.window.silent_s
        if coverage.listened_s - hearing.listened_s >= limit_s:
            return "silent"
        if now_s - hearing.window.last_s >= max(BLIND_S, limit_s):
            return "silent" if coverage.told_s - hearing.told_s >= limit_s else "stopped"
        return ""
