"""What a phone says of the beacons it hears, in the words of its own system. Pure.

    WeChat mini-program  wx.onBeaconUpdate  {uuid, major, minor, proximity 0 to 3, accuracy, rssi}
    iOS                  CLBeacon           the same; proximity may be a name; accuracy -1 and rssi 0 mean unknown
    Android              AltBeacon library  {id1, id2, id3, distance, rssi}

Ids must be right, for they are what counts; numbers may come as text, as some bridges send them. How far and how
strong is a phone's guess: what makes no sense there is unknown, not a mistake.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from edge.shake_desk import RawBeacon

MAX_ENTRIES = 100
"""iOS names all it hears of a region; a shop has some dozens in reach."""
MAX_DISTANCE_M = 1000.0
_UUID = re.compile(r"([0-9A-F]{8})-?([0-9A-F]{4})-?([0-9A-F]{4})-?([0-9A-F]{4})-?([0-9A-F]{12})\Z")
_NUMBER = re.compile(r" *[+-]?[0-9]{1,20}(\.[0-9]{0,20})?(e[+-]?[0-9]{1,3})? *\Z", re.ASCII | re.IGNORECASE)
_NEARNESS = {"1": 1, "immediate": 1, "2": 2, "near": 2, "3": 3, "far": 3}


class RangingError(ValueError):
    """The first thing wrong with a list, in words for who wrote the app."""


def ranged(items: object) -> tuple[RawBeacon, ...]:
    """In the order they came. Raises RangingError."""
    if not isinstance(items, list | tuple):
        raise RangingError("beacons: a list is wanted")
    if len(items) > MAX_ENTRIES:
        raise RangingError(f"beacons: at most {MAX_ENTRIES}, got {len(items)}")
    return tuple(_entry(item, f"beacons[{index}]") for index, item in enumerate(items))


def _entry(item: object, where: str) -> RawBeacon:
    if not isinstance(item, Mapping):
        raise RangingError(f"{where}: an object is wanted")
    uuid, major, minor = ("id1", "id2", "id3") if "id1" in item else ("uuid", "major", "minor")
    return RawBeacon(
        uuid=_uuid(item.get(uuid), f"{where}.{uuid}"),
        major=_uint16(item.get(major), f"{where}.{major}"),
        minor=_uint16(item.get(minor), f"{where}.{minor}"),
        rssi_dbm=_rssi(item.get("rssi")),
        accuracy_m=_distance(item.get("distance", item.get("accuracy"))),
        proximity=_proximity(item.get("proximity")),
    )


def _uuid(value: object, where: str) -> str:
    match = _UUID.match(value.strip().upper()) if isinstance(value, str) and len(value) <= 40 else None
    if match is None:
        raise RangingError(f"{where}: a UUID is wanted")
    return "-".join(match.groups())


def _uint16(value: object, where: str) -> int:
    number = _number(value)
    if number is None or not 0 <= number <= 0xFFFF or number != int(number):
        raise RangingError(f"{where}: 0 to 65535 is wanted")
    return int(number)


def _number(value: object) -> float | None:
    """A number, or text that is one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.match(value):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _distance(value: object) -> float | None:
    metres = _number(value)
    return min(metres, MAX_DISTANCE_M) if metres is not None and metres >= 0 else None


def _rssi(value: object) -> int | None:
    dbm = _number(value)
    return round(dbm) if dbm is not None and -127 <= dbm < 0 else None


def _proximity(value: object) -> int | None:
    if isinstance(value, str):
        return _NEARNESS.get(value.strip().lower())
    number = _number(value)
    return int(number) if number in {1, 2, 3} else None
