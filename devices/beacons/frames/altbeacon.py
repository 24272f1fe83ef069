"""AltBeacon frames (AltBeacon Protocol Specification 1.0): a beacon id of 20 bytes in any maker's data. Pure."""

from __future__ import annotations

import struct
from typing import NamedTuple

from devices.beacons.frames import ad

PREFIX = b"\xbe\xac"
BYTES = 24
_BODY = struct.Struct(">20sbB")


class AltBeacon(NamedTuple):
    company: int
    beacon_id: bytes
    """20 bytes; by habit a UUID, a major and a minor."""
    measured_power_dbm: int | None
    """At one metre; None: not calibrated."""
    reserved: int = 0
    """The maker's own byte."""


def parse(company: int, data: bytes) -> AltBeacon | None:
    """Out of manufacturer data (what follows the company id)."""
    if len(data) < BYTES or not data.startswith(PREFIX):
        return None
    beacon_id, power, reserved = _BODY.unpack_from(data, 2)
    return AltBeacon(company, beacon_id, power if power < 0 else None, reserved)


def build(beacon: AltBeacon) -> bytes:
    """Manufacturer data, to stand behind the company id. Raises ValueError for what does not fit."""
    if len(beacon.beacon_id) != 20:
        raise ValueError(f"got a beacon id of {len(beacon.beacon_id)} bytes, wanted 20")
    try:
        return PREFIX + _BODY.pack(beacon.beacon_id, beacon.measured_power_dbm or 0, beacon.reserved)
    except struct.error:
        raise ValueError("the measured power goes from -128 to 127 dBm, the reserved byte from 0 to 255") from None


def advertising_data(beacon: AltBeacon, *, flags: int | None = ad.GENERAL_BLE_ONLY) -> bytes:
    if not 0 <= beacon.company <= 0xFFFF:
        raise ValueError(f"got the company id {beacon.company}, wanted 0 to 65535")
    body = beacon.company.to_bytes(2, "little") + build(beacon)
    return ad.with_flags(ad.structure(ad.MANUFACTURER, body), flags)
