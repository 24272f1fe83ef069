"""What is on the fake air: beacons by address, and when each speaks next. Pure: times and chance come in.

A line of the fake's input places, moves or removes one beacon; fields it leaves out stay as they were:
`{"address": "C1:00:00:00:00:01", "uuid": "fda5…", "major": 1, "minor": 2, "power": -59, "rssi": -70, "noise": 2,
"interval_ms": 100, "adapter": "hci0"}`. `adapter` limits it to one radio's ears, `data` (hex: whole advertising
data) stands in for the iBeacon, `"rssi": null` ends the beacon; `"rssi": {"hci0": -50, "hci1": -71}` is how strong each
radio hears it.
"""

from __future__ import annotations

import heapq
import random
import re
import uuid as uuids
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from devices.beacons.advert import APPLE
from edge.errors import UsageError

BASE_UUID = "-0000-1000-8000-00805f9b34fb"
JITTER_S = 0.01
"""Real beacons add up to 10 ms to each interval."""
BEHIND_S = 1.0
"""What was due longer ago is not said later: air has no memory."""
_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}\Z")


@dataclass(slots=True)
class Placed:
    """One transmitter."""

    address: str
    rssi: float = -70.0
    """At the radio that hears it best."""
    weaker: dict[str, float] = field(default_factory=dict)
    """Radio → dB less."""
    noise: float = 0.0
    interval_s: float = 0.1
    adapter: str = ""
    """Only this one hears it; empty: all do."""
    deaf: str = ""
    """This one does not: a radio can't hear itself."""
    manufacturer: dict[int, bytes] = field(default_factory=dict)
    service_data: dict[str, bytes] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    name: str = ""
    gatt: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Service → characteristic → {"value": hex, "flags": [...]}."""
    heard: int = 0
    """How often it was told to somebody."""


class Air:
    def __init__(self, *, seed: int = 0) -> None:
        self.beacons: dict[str, Placed] = {}
        self._due: list[tuple[float, int, str]] = []
        self._turn: dict[str, int] = {}
        self._count = 0
        self._chance = random.Random(seed)  # noqa: S311 - noise of a test

    def place(self, line: Mapping[str, Any], now_s: float) -> Placed | None:
        """What was placed or moved; None: it is gone. Raises UsageError for a line that makes no sense."""
        address = str(line.get("address", "")).upper()
        if not _ADDRESS.match(address):
            raise UsageError("a beacon needs an address like C1:00:00:00:00:01")
        if line.get("rssi", 0) is None:
            self.beacons.pop(address, None)
            self._turn.pop(address, None)
            return None
        known = address in self.beacons
        beacon = self.beacons.get(address) or Placed(address)
        _change(beacon, line)
        self.beacons[address] = beacon
        if not known or "interval_ms" in line or "interval" in line:
            self._later(address, now_s + self._chance.random() * beacon.interval_s)
        return beacon

    def due(self, now_s: float, *, limit: int = 500) -> Iterator[tuple[Placed, int]]:
        """Who speaks now, and how strong it comes in."""
        for _ in range(limit):
            if not self._due or self._due[0][0] > now_s:
                return
            at_s, turn, address = heapq.heappop(self._due)
            beacon = self.beacons.get(address)
            if beacon is None or self._turn.get(address) != turn:
                continue
            next_s = at_s + beacon.interval_s + self._chance.random() * min(JITTER_S, beacon.interval_s / 10)
            self._later(address, next_s if next_s > now_s - BEHIND_S else now_s)
            rssi = beacon.rssi + (self._chance.gauss(0, beacon.noise) if beacon.noise else 0)
            yield beacon, max(-127, min(20, round(rssi)))

    def next_s(self, now_s: float) -> float:
        """How long nobody speaks."""
        return max(0.0, self._due[0][0] - now_s) if self._due else 1.0

    def _later(self, address: str, at_s: float) -> None:
        self._count += 1
        self._turn[address] = self._count
        heapq.heappush(self._due, (at_s, self._count, address))


def _change(beacon: Placed, line: Mapping[str, Any]) -> None:
    match line.get("rssi"):
        case dict() as ears if ears:
            beacon.rssi = max(map(float, ears.values()))
            beacon.weaker = {str(adapter): beacon.rssi - float(rssi) for adapter, rssi in ears.items()}
        case int() | float() as rssi:
            beacon.rssi, beacon.weaker = float(rssi), {}
        case None:
            pass
        case _:
            raise UsageError("rssi is a number of dBm, or one for each adapter")
    beacon.noise = float(line.get("noise", beacon.noise))
    if "interval_ms" in line:
        beacon.interval_s = float(line["interval_ms"]) / 1000
    elif "interval" in line:
        beacon.interval_s = float(line["interval"])
    if "adapter" in line:
        beacon.adapter = f"hci{line['adapter']}" if isinstance(line["adapter"], int) else str(line["adapter"])
    beacon.deaf = str(line.get("deaf", beacon.deaf))
    beacon.name = str(line.get("name", beacon.name))
    beacon.gatt = dict(line.get("gatt", beacon.gatt))
    try:
        if "data" in line:
            _take(beacon, bytes.fromhex(line["data"]))
        elif {"uuid", "major", "minor", "power"} & set(line):
            old = beacon.manufacturer.get(APPLE, b"")
            beacon.manufacturer = {APPLE: ibeacon(line, old)}
    except ValueError as error:
        raise UsageError(f"a beacon's line is wrong: {error}") from error


def ibeacon(line: Mapping[str, Any], old: bytes = b"") -> bytes:
    """The data after Apple's company id; what the line leaves out is taken from the old frame."""
    old = old if len(old) == 23 else bytes.fromhex("0215") + bytes(20) + b"\xc5"
    place = uuids.UUID(line["uuid"]).bytes if "uuid" in line else old[2:18]
    major = int(line["major"]).to_bytes(2, "big") if "major" in line else old[18:20]
    minor = int(line["minor"]).to_bytes(2, "big") if "minor" in line else old[20:22]
    power = int(line["power"]).to_bytes(1, "big", signed=True) if "power" in line else old[22:]
    return old[:2] + place + major + minor + power


def said(data: bytes) -> dict[str, Any] | None:
    """uuid, major, minor and power of an iBeacon; None: it is none."""
    if len(data) < 23 or data[:2] != b"\x02\x15":
        return None
    return {
        "uuid": str(uuids.UUID(bytes=data[2:18])),
        "major": int.from_bytes(data[18:20], "big"),
        "minor": int.from_bytes(data[20:22], "big"),
        "power": int.from_bytes(data[22:23], "big", signed=True),
    }


def _take(beacon: Placed, data: bytes) -> None:
    """Advertising data as it is on the air: length, type, value, and again."""
    beacon.manufacturer, beacon.service_data, services = {}, {}, []
    while len(data) >= 2 and data[0] and len(data) > data[0]:
        kind, value = data[1], data[2 : data[0] + 1]
        data = data[data[0] + 1 :]
        if kind == 0xFF and len(value) >= 2:
            beacon.manufacturer[int.from_bytes(value[:2], "little")] = value[2:]
        elif kind == 0x16 and len(value) >= 2:
            beacon.service_data[f"0000{value[1]:02x}{value[0]:02x}{BASE_UUID}"] = value[2:]
        elif kind in {0x02, 0x03}:
            pairs = zip(value[::2], value[1::2], strict=False)
            services += [f"0000{high:02x}{low:02x}{BASE_UUID}" for low, high in pairs]
        elif kind in {0x06, 0x07} and len(value) == 16:
            services.append(str(uuids.UUID(bytes=value[::-1])))
        elif kind in {0x08, 0x09}:
            beacon.name = value.decode("utf-8", "replace")
    beacon.services = tuple(services)


def matches(beacon: Placed, patterns: list[tuple[int, int, bytes]]) -> bool:
    """Whether an advertisement monitor with these (start, AD type, bytes) would let it through."""
    fields = [(0xFF, company.to_bytes(2, "little") + data) for company, data in beacon.manufacturer.items()]
    fields += [(0x16, bytes.fromhex(key[4:8])[::-1] + data) for key, data in beacon.service_data.items()]
    return any(
        kind == wanted and value[start : start + len(part)] == part
        for start, wanted, part in patterns
        for kind, value in fields
    )
