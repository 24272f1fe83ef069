"""What a beacon sends, and what it says of itself, beside what its document wants. Pure."""

from __future__ import annotations

import uuid

from devices.beacons import frames
from devices.beacons.advert import Advert
from devices.beacons.frames.eddystone import Url
from devices.beacons.frames.ibeacon import IBeacon
from devices.beacons.profile import Setting
from devices.beacons.provisioning.values import Settings, Value


def unlike(
    wanted: Settings, found: Settings, readable: frozenset[Setting] | None = None
) -> dict[Setting, tuple[Value, Value | None]]:
    """Setting → (wanted, found), where they differ. What is readable and was not said differs; without `readable`, only
    what was found is compared.
    """
    known = frozenset(found) if readable is None else readable
    return {key: (value, found.get(key)) for key, value in wanted.items() if key in known and found.get(key) != value}


def said_of(advert: Advert) -> dict[Setting, Value]:
    """The settings that stand in its frames."""
    said: dict[Setting, Value] = {}
    for frame in frames.all_of(advert):
        if isinstance(frame, IBeacon):
            said |= {
                Setting.UUID: str(uuid.UUID(bytes=frame.uuid)),
                Setting.MAJOR: frame.major,
                Setting.MINOR: frame.minor,
            }
            if frame.measured_power_dbm is not None:
                said[Setting.MEASURED_POWER] = frame.measured_power_dbm
        elif isinstance(frame, Url):
            said[Setting.URL] = frame.url
    return said
