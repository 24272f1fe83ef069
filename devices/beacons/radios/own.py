"""Which of the shop's beacons a radio of the gateway's own sends, and as what. Pure: the time comes in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import NamedTuple

from devices.beacons.frames import ibeacon
from edge.clock import ClockState, Stamp
from edge.rotation import epoch_of, minor_of
from edge.shop import Beacon, Shop

PROFILE = "gateway"


class Sent(NamedTuple):
    """One iBeacon to be sent."""

    data: bytes
    """After Apple's company id."""
    interval_ms: int
    tx_power_dbm: int | None = None


class Own(NamedTuple):
    beacon: str
    sent: Sent | None
    """None: it rotates, and nobody knows what time it is."""


def wanted(shop: Shop, *, adapter: str, first: str, key: bytes, rotate_s: int, now: Stamp) -> list[Own]:
    """Those that name this adapter before those that name none; `first`: the adapter that has the latter."""
    ours = [beacon for beacon in shop.beacons.values() if beacon.profile == PROFILE]
    named = [beacon for beacon in ours if beacon.radio == adapter]
    others = [beacon for beacon in ours if not beacon.radio and adapter == first]
    epoch = None if now.state is ClockState.UNSET else epoch_of(now.at_ms, rotate_s=rotate_s)
    return [*_sorted(named, key, epoch), *_sorted(others, key, epoch)]


def _sorted(beacons: list[Beacon], key: bytes, epoch: int | None) -> Iterator[Own]:
    """By id: which are sent when not all can be must not depend on chance."""
    for beacon in sorted(beacons, key=lambda beacon: beacon.id):
        yield Own(beacon.id, _sent(beacon, key, epoch))


def _sent(beacon: Beacon, key: bytes, epoch: int | None) -> Sent | None:
    minor = beacon.minor
    if beacon.rotating:
        if epoch is None:
            return None
        minor = minor_of(key, epoch=epoch, index=beacon.minor)
    data = ibeacon.build(uuid.UUID(beacon.uuid).bytes, beacon.major, minor, beacon.measured_power_dbm)
    return Sent(data, beacon.interval_ms, beacon.tx_power_dbm)
