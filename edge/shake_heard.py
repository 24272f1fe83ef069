"""What a phone says it hears → which of the shop's beacons those are, nearest first. Pure, and trusts nothing.

Fixed ids are looked up. A rotating one is turned back into its index for the epochs in force; what only fits an epoch
of the last day is old, what fits none is forged. With many beacons a made-up id may look old by chance, so neither is
an accusation; but each is a guess, and `forged` counts them, for somebody who bounds guesses. Strangers' ids are not
there. Only the nearest few are looked at, so that a long list of made-up ids costs no more than a phone's.
"""

from __future__ import annotations

import functools
import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from edge import rotation
from edge.clock import ClockState, Stamp
from edge.events import MAX_HEARD, Heard
from edge.ids import BeaconId
from edge.shake_answers import ShakeWhy
from edge.shop import Beacon, CarriedBy

MAX_TRIED = 20
"""Of the shop's ids in one phone's list, the nearest so many: all that an event may have."""
MAX_DISTANCE_M = 1000.0
DAY_S = 86_400
_LOSS = 2.7
"""Path loss exponent indoors, where a phone gives no distance of its own."""
_CLASSES = {1: 0.3, 2: 2.0, 3: 10.0}
_KNOWN_IDS = 4096


class RawBeacon(msgspec.Struct, frozen=True, kw_only=True):
    """As a phone names it; nothing in it is trusted."""

    uuid: str
    """Any case, with its dashes."""
    major: int
    minor: int
    rssi_dbm: int | None = None
    """0 and above: not known, as on iOS."""
    accuracy_m: float | None = None
    """Its own idea of the distance; 0 and below: not known, as on iOS."""
    proximity: int | None = None
    """1 immediate, 2 near, 3 far: only to sort by where there is nothing better."""


class Resolved(NamedTuple):
    heard: tuple[Heard, ...]
    """Those that hang somewhere: what is carried around is no place."""
    why: ShakeWhy | None
    """What is wrong with the nearest of the rest; None: nothing, or they are strangers'."""


class _Sorted(NamedTuple):
    found: dict[str, tuple[float, Heard]]
    wrong: tuple[RawBeacon, ShakeWhy] | None
    """The nearest."""
    forged: int


class Ears:
    """Knows the documents' beacons by what they say on the air."""

    def __init__(self, key: bytes, *, rotate_s: int) -> None:
        self._rotate_s = rotate_s
        self._old_epochs = DAY_S // rotate_s
        self._index_of: Callable[[int, int], int] = lambda epoch, minor: rotation.index_of(
            key, epoch=epoch, minor=minor
        )
        self._index_again = functools.lru_cache(_KNOWN_IDS)(self._index_of)
        """The phones of one place all name the same few ids."""
        self._beacons: Mapping[str, Beacon] = {}
        self._fixed: dict[tuple[str, int, int], Beacon] = {}
        self._rotating: dict[tuple[str, int], dict[int, Beacon]] = {}
        self._uuids: frozenset[str] = frozenset()

    def uuids(self, beacons: Mapping[str, Beacon]) -> frozenset[str]:
        """Upper case."""
        self._learn(beacons)
        return self._uuids

    def hear(self, raws: Sequence[RawBeacon], beacons: Mapping[str, Beacon], *, now: Stamp) -> Resolved:
        """`beacons` is the shop's mapping, which is replaced and never changed."""
        sorted_out = self._sort_out(raws, beacons, now)
        nearest = sorted(sorted_out.found.values(), key=lambda each: each[0])
        heard = tuple(each for _, each in nearest[:MAX_HEARD])
        wrong = sorted_out.wrong
        why = None if wrong is None else self._why(wrong[1], wrong[0], now, needed=not heard)
        return Resolved(heard, why)

    def forged(self, raws: Sequence[RawBeacon], beacons: Mapping[str, Beacon], *, now: Stamp) -> int:
        """How many ids `hear` would try in vain: each is one guess at what the shop's beacons say now."""
        return self._sort_out(raws, beacons, now).forged

    def _sort_out(self, raws: Sequence[RawBeacon], beacons: Mapping[str, Beacon], now: Stamp) -> _Sorted:
        self._learn(beacons)
        found: dict[str, tuple[float, Heard]] = {}
        wrong: tuple[RawBeacon, ShakeWhy] | None = None
        forged = 0
        for raw in self._nearest(raws):
            known = self._resolve(raw, now)
            if isinstance(known, ShakeWhy):
                wrong = wrong or (raw, known)
                forged += known is ShakeWhy.FORGED
                continue
            near = _nearness(raw, known)
            if known.carried_by is CarriedBy.NOBODY and (known.id not in found or near < found[known.id][0]):
                found[known.id] = near, _heard(raw, known)
        return _Sorted(found, wrong, forged)

    def _nearest(self, raws: Sequence[RawBeacon]) -> list[RawBeacon]:
        """Those of the shop's region, each id once."""
        ours: dict[tuple[str, int, int], tuple[float, RawBeacon]] = {}
        for raw in raws:
            key = raw.uuid.upper(), raw.major, raw.minor
            fixed = self._fixed.get(key)
            if fixed is not None or key[:2] in self._rotating:
                near = _nearness(raw, fixed)
                if key not in ours or near < ours[key][0]:
                    ours[key] = near, raw
        return [raw for _, raw in heapq.nsmallest(MAX_TRIED, ours.values(), key=lambda each: each[0])]

    def _learn(self, beacons: Mapping[str, Beacon]) -> None:
        if beacons is self._beacons:
            return
        self._beacons, self._fixed, self._rotating = beacons, {}, {}
        self._uuids = frozenset(beacon.uuid.upper() for beacon in beacons.values())
        for beacon in beacons.values():
            if beacon.rotating:
                self._rotating.setdefault((beacon.uuid.upper(), beacon.major), {})[beacon.minor] = beacon
            else:
                self._fixed[beacon.uuid.upper(), beacon.major, beacon.minor] = beacon

    def _resolve(self, raw: RawBeacon, now: Stamp) -> Beacon | ShakeWhy:
        uuid = raw.uuid.upper()
        fixed = self._fixed.get((uuid, raw.major, raw.minor))
        if fixed is not None:
            return fixed
        by_index = self._rotating[uuid, raw.major]
        if not 0 <= raw.minor <= 0xFFFF:
            return ShakeWhy.FORGED
        if now.state is ClockState.UNSET:
            return ShakeWhy.CLOCK_UNSURE
        epoch = rotation.epoch_of(now.at_ms, rotate_s=self._rotate_s)
        indexes = (self._index_again(epoch + shift, raw.minor) for shift in rotation.ACCEPT)
        return next((by_index[index] for index in indexes if index in by_index), ShakeWhy.FORGED)

    def _why(self, why: ShakeWhy, raw: RawBeacon, now: Stamp, *, needed: bool) -> ShakeWhy:
        """The last day is searched only for who has nothing better to show, and only for their nearest beacon."""
        if not needed or why is not ShakeWhy.FORGED or not 0 <= raw.minor <= 0xFFFF:
            return why
        by_index = self._rotating[raw.uuid.upper(), raw.major]
        epoch = rotation.epoch_of(now.at_ms, rotate_s=self._rotate_s)
        before = range(max(0, epoch - self._old_epochs), epoch + min(rotation.ACCEPT))
        return ShakeWhy.OLD if any(self._index_of(each, raw.minor) in by_index for each in before) else why


def distance_m(raw: RawBeacon, measured_power_dbm: int) -> float | None:
    """The phone's own figure where it gives one, else from the strength, else unknown."""
    if raw.accuracy_m is not None and math.isfinite(raw.accuracy_m) and raw.accuracy_m > 0:
        return min(raw.accuracy_m, MAX_DISTANCE_M)
    rssi = _rssi(raw)
    if rssi is None or measured_power_dbm >= 0:
        return None
    return round(min(10 ** ((measured_power_dbm - rssi) / (10 * _LOSS)), MAX_DISTANCE_M), 2)


def _rssi(raw: RawBeacon) -> int | None:
    return raw.rssi_dbm if raw.rssi_dbm is not None and -127 <= raw.rssi_dbm < 0 else None


def _nearness(raw: RawBeacon, beacon: Beacon | None) -> float:
    known = distance_m(raw, -59 if beacon is None else beacon.measured_power_dbm)
    return _CLASSES.get(raw.proximity or 0, MAX_DISTANCE_M) if known is None else known


def _heard(raw: RawBeacon, beacon: Beacon) -> Heard:
    return Heard(beacon=BeaconId(beacon.id), distance_m=distance_m(raw, beacon.measured_power_dbm), rssi_dbm=_rssi(raw))
