"""iBeacon frames. Pure.

In Apple's manufacturer data: 02 15, UUID (16), major and minor (big-endian), received power at one metre (signed dBm).
Some makers append a byte with the battery; some never set the power.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from devices.beacons.advert import APPLE
from devices.beacons.frames import ad

PREFIX = b"\x02\x15"
BYTES = 23
MAX_EXTRA = 8
_BODY = struct.Struct(">16sHHb")


class IBeacon(NamedTuple):
    uuid: bytes
    major: int
    minor: int
    measured_power_dbm: int | None
    """At one metre; None: not calibrated (on the air it is 0 or more, which no beacon is at one metre)."""
    extra: bytes = b""
    """What a maker appended; of it at most 8 bytes."""

    @property
    def id(self) -> bytes:
        """UUID, major and minor as they are on the air: what `id_of` gives."""
        return _BODY.pack(self.uuid, self.major, self.minor, 0)[:-1]


def id_of(uuid: str, major: int, minor: int) -> bytes:
    """UUID, major and minor as they are on the air (20 bytes)."""
    return bytes.fromhex(uuid.replace("-", "")) + major.to_bytes(2, "big") + minor.to_bytes(2, "big")


def parse(data: bytes) -> IBeacon | None:
    """Out of Apple's manufacturer data (what follows the company id); None where it is no iBeacon."""
    if len(data) < BYTES or not data.startswith(PREFIX):
        return None
    uuid, major, minor, power = _BODY.unpack_from(data, 2)
    return IBeacon(uuid, major, minor, power if power < 0 else None, data[BYTES : BYTES + MAX_EXTRA])


def build(uuid: bytes, major: int, minor: int, measured_power_dbm: int | None = -59, *, extra: bytes = b"") -> bytes:
    """Manufacturer data, to stand behind Apple's company id. Raises ValueError for what does not fit."""
    if len(uuid) != 16:
        raise ValueError(f"got a UUID of {len(uuid)} bytes, wanted 16")
    if len(extra) > MAX_EXTRA:
        raise ValueError(f"got {len(extra)} bytes more, wanted at most {MAX_EXTRA}")
    try:
        return PREFIX + _BODY.pack(uuid, major, minor, measured_power_dbm or 0) + extra
    except struct.error:
        raise ValueError("major and minor go from 0 to 65535, the measured power from -128 to 127 dBm") from None


def advertising_data(manufacturer_data: bytes, *, flags: int | None = ad.GENERAL_BLE_ONLY) -> bytes:
    """The whole advertisement around what `build` gave; flags None: without any, as BlueZ sends its broadcasts."""
    body = APPLE.to_bytes(2, "little") + manufacturer_data
    return ad.with_flags(ad.structure(ad.MANUFACTURER, body), flags)
