"""What an advertisement says: one place that knows all kinds of frames, and what is known of batteries. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from devices.beacons.advert import APPLE, EDDYSTONE, Advert
from devices.beacons.frames import altbeacon, eddystone, ibeacon
from devices.beacons.frames.altbeacon import AltBeacon
from devices.beacons.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid, Url
from devices.beacons.frames.ibeacon import IBeacon

Frame = IBeacon | AltBeacon | Uid | Url | Eid | Tlm | EncryptedTlm
KKM = 0x0A53
_KKM_MORE = "00002080-0000-1000-8000-00805f9b34fb"
_BATTERY = "0000180f-0000-1000-8000-00805f9b34fb"
_KKM_SYSTEM = 0x22
_KKM_SYSTEM_BYTES = 11
COIN_CELL = ((3000, 100), (2900, 42), (2740, 18), (2440, 6), (2100, 0))
"""mV → percent of a lithium coin cell under a beacon's load, straight lines between: the curve of Nordic's SDK for a
CR2032. Two AA cells and mains read as full, which is the right side to be wrong on."""


def read(advert: Advert) -> Frame | None:
    """The most telling of its frames: an id before telemetry."""
    return next(all_of(advert), None)


def all_of(advert: Advert) -> Iterator[Frame]:
    """Every frame, the most telling first. BlueZ hands over the newest of each kind together."""
    if (data := advert.manufacturer.get(APPLE)) and (beacon := ibeacon.parse(data)):
        yield beacon
    for company, data in advert.manufacturer.items():
        if other := altbeacon.parse(company, data):
            yield other
    if (data := advert.service_data.get(EDDYSTONE)) and (frame := eddystone.parse(data)):
        yield frame


def measured_power_dbm(frame: Frame) -> int | None:
    """At one metre, where the frame says it."""
    return frame.measured_power_dbm if isinstance(frame, IBeacon | AltBeacon) else eddystone.measured_power_dbm(frame)


def battery_percent(advert: Advert) -> int | None:
    """0 to 100, or None where the advertisement says nothing that is understood."""
    for percent in _batteries(advert):
        if percent is not None:
            return percent
    return None


def _batteries(advert: Advert) -> Iterator[int | None]:
    data = advert.service_data.get(EDDYSTONE, b"")
    yield _kkm_system(data)
    yield _kkm_system(advert.manufacturer.get(KKM, b""))
    more = advert.service_data.get(_KKM_MORE, b"")
    yield min(100, more[0]) if len(more) > 2 else None
    level = advert.service_data.get(_BATTERY, b"")
    yield level[0] if len(level) == 1 and level[0] <= 100 else None
    frame = eddystone.parse(data)
    yield percent_of_mv(frame.battery_mv) if isinstance(frame, Tlm) and frame.battery_mv else None
    beacon = ibeacon.parse(advert.manufacturer.get(APPLE, b""))
    # One byte more is the battery by habit; 0 is padding: who has an empty one does not send.
    yield beacon.extra[0] if beacon and len(beacon.extra) == 1 and 1 <= beacon.extra[0] <= 100 else None


def percent_of_mv(battery_mv: int) -> int:
    (full_mv, full), *rest = COIN_CELL
    if battery_mv >= full_mv:
        return full
    for mv, percent in rest:
        if battery_mv >= mv:
            return percent + (full - percent) * (battery_mv - mv) // (full_mv - mv)
        full_mv, full = mv, percent
    return 0


def _kkm_system(data: bytes) -> int | None:
    """The system frame of KKM (kbeaconlib2, KBAdvPacketSystem): 22, model, battery, address (6), version (2)."""
    return min(100, data[2]) if len(data) >= _KKM_SYSTEM_BYTES and data[0] == _KKM_SYSTEM else None
