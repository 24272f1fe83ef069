"""A shop's radio by a seeded model: log-normal fades, bodies in the way, lost packets. Presence listens to it.

Strength at d metres: power − 27·log10(d), plus slow fading (it changes over seconds), fast fading of each packet,
and 12 dB less while somebody stands in the way. What is too faint, or lost by chance, is not heard.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

from devices.beacons.advert import APPLE, EDDYSTONE, Advert
from devices.beacons.frames import eddystone
from devices.beacons.frames.ibeacon import id_of
from devices.beacons.presence.presence import Presence
from edge.clock import ClockState, Stamp
from edge.config import RadioSection
from edge.events import Event
from edge.shop import Beacon, CarriedBy, Shop
from tests.given import NOON_MS

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
KEY = b"k" * 32
ROTATE_S = 300
START_S = 1_000.0
FAINTEST_DBM = -97
HANGING_ADDRESS = "C1:00:00:00:00:01"
Distance = Callable[[float], float | None]
"""Seconds → metres to a radio; None: not in the shop."""


def moment(s: float, state: ClockState = ClockState.SYNCED) -> Stamp:
    """`s` seconds after the start."""
    return Stamp(
        at_ms=NOON_MS + round(s * 1000), monotonic_ms=round((START_S + s) * 1000), boot_id="boot0", state=state
    )


def beacon(name: str, minor: int = 1, carried_by: CarriedBy = CarriedBy.NOBODY, **changes: object) -> Beacon:
    values: dict[str, object] = {"id": name, "uuid": UUID, "major": 1, "minor": minor, "carried_by": carried_by}
    return Beacon(**(values | changes))  # type: ignore[arg-type]


def shop_of(*beacons: Beacon) -> Shop:
    return Shop(beacons={one.id: one for one in beacons})


def presence_of(
    *beacons: Beacon, zones: Iterable[str] = ("door",), state: ClockState = ClockState.SYNCED, interval_s: int = 900
) -> Presence:
    """Radios hci0, hci1 … of the zones, with these documents."""
    radios = [
        RadioSection(adapter=f"hci{number}", zone=zone, interval_s=interval_s) for number, zone in enumerate(zones)
    ]
    salts = random.Random(5)
    presence = Presence(radios, key=KEY, rotate_s=ROTATE_S, now=moment(0, state), random=salts.randbytes)
    presence.documents(shop_of(*beacons), moment(0, state))
    while not presence.work():
        pass
    return presence


def frame(uuid: str = UUID, major: int = 1, minor: int = 1, power_dbm: int = -59, extra: bytes = b"") -> bytes:
    return b"\x02\x15" + id_of(uuid, major, minor) + power_dbm.to_bytes(1, "big", signed=True) + extra


def advert(
    minor: int = 1,
    s: float = 0.0,
    *,
    radio: str = "hci0",
    rssi_dbm: int = -60,
    address: str = HANGING_ADDRESS,
    major: int = 1,
    extra: bytes = b"",
    service_data: dict[str, bytes] | None = None,
) -> Advert:
    data = {APPLE: frame(major=major, minor=minor, extra=extra)}
    return Advert(radio, address, rssi_dbm, START_S + s, data, service_data or {})


def uid_frame(minor: int) -> bytes:
    """What a model says instead that only speaks Eddystone."""
    uid = eddystone.uid_of(UUID, 1, minor)
    return eddystone.build(eddystone.Uid(-18, uid[:10], uid[10:]))


def uid_advert(minor: int, s: float, *, address: str = HANGING_ADDRESS) -> Advert:
    return Advert("hci0", address, -60, START_S + s, {}, {EDDYSTONE: uid_frame(minor)})


def stranger(address: str, s: float, *, radio: str = "hci0") -> Advert:
    return Advert(radio, address, -75, START_S + s, {0x0006: b"\x01\x09\x20\x02"}, {})


class Voice(NamedTuple):
    """A beacon that somebody carries, or that hangs."""

    beacon: Beacon
    metres: dict[str, Distance]
    """By radio."""
    address: str = HANGING_ADDRESS
    lost: float = 0.2
    body: Callable[[float], bool] = lambda _s: False
    """Somebody stands in the way."""
    jitter: float = 0.01
    minor: Callable[[float], int] | None = None


class Air:
    """Plays voices to a presence and ticks it once a second."""

    def __init__(self, presence: Presence, *voices: Voice, seed: int = 7) -> None:
        self.presence = presence
        self.voices = voices
        self.random = random.Random(seed)
        self.s = 0.0
        self.deaf: set[str] = set()
        self.events: list[Event] = []
        self._next = [self.random.random() * one.beacon.interval_ms / 1000 for one in voices]
        self._slow: dict[tuple[int, str], tuple[float, float]] = {}

    def play(self, seconds: float, *, state: ClockState = ClockState.SYNCED) -> list[Event]:
        """What was concluded in this time."""
        events: list[Event] = []
        for _ in range(round(seconds)):
            for number, voice in enumerate(self.voices):
                while self._next[number] < self.s + 1:
                    self._say(number, voice, self._next[number])
                    interval_s = voice.beacon.interval_ms / 1000
                    self._next[number] += interval_s + self.random.random() * voice.jitter
            self.s += 1
            for radio in self.presence.ears:
                if radio not in self.deaf:
                    self.presence.listening(radio, START_S + self.s - 1, START_S + self.s)
            events += self.presence.tick(moment(self.s, state))
        self.events += events
        return events

    def _say(self, number: int, voice: Voice, s: float) -> None:
        minor = voice.beacon.minor if voice.minor is None else voice.minor(s)
        for radio, metres in voice.metres.items():
            away_m = metres(s)
            if away_m is None or radio in self.deaf or self.random.random() < voice.lost:
                continue
            rssi_dbm = voice.beacon.measured_power_dbm - 27 * math.log10(max(0.3, away_m))
            rssi_dbm += self._fade((number, radio), s) + self.random.gauss(0, 4) - 12 * voice.body(s)
            if rssi_dbm >= FAINTEST_DBM:
                self.presence.heard(advert(minor, s, radio=radio, rssi_dbm=round(rssi_dbm), address=voice.address))

    def _fade(self, key: tuple[int, str], s: float) -> float:
        """Slow fading: 3 dB, forgotten over 5 seconds."""
        before_s, fade_db = self._slow.get(key, (s, self.random.gauss(0, 3)))
        keep = math.exp(-(s - before_s) / 5)
        fade_db = fade_db * keep + self.random.gauss(0, 3) * math.sqrt(1 - keep * keep)
        self._slow[key] = (s, fade_db)
        return fade_db


def at(metres: float) -> Distance:
    return lambda _s: metres


def walk(*points: tuple[float, float | None]) -> Distance:
    """(second, metres): straight on between; None from there on: not in the shop."""

    def metres(s: float) -> float | None:
        before = points[0]
        for after in points[1:]:
            if s < after[0]:
                if before[1] is None or after[1] is None:
                    return before[1]
                share = max(0.0, (s - before[0]) / (after[0] - before[0]))
                return before[1] + (after[1] - before[1]) * share
            before = after
        return before[1]

    return metres
