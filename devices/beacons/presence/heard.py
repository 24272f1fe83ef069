"""Whether what is on the air is the frame that was asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable

from devices.beacons.advert import APPLE, EDDYSTONE, Advert
from devices.beacons.frames import eddystone, ibeacon
from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning.values import Settings


def recogniser(profile: BeaconProfile, settings: Settings) -> Callable[[Advert], bool]:
    """`settings` are `fitting.fitted`: all that the frame says is among them."""
    if "ibeacon" in profile.frames:
        wanted = ibeacon_bytes(settings)
        return lambda advert: advert.manufacturer.get(APPLE, b"").startswith(wanted)
    if "eddystone-uid" in profile.frames:
        uid = eddystone.uid_of(*_who(settings))
        return lambda advert: _eddystone(advert, eddystone.UID, uid, settings)
    url = eddystone.encode_url(str(settings[Setting.URL]))
    return lambda advert: _eddystone(advert, eddystone.URL, url, settings)


def ibeacon_bytes(settings: Settings) -> bytes:
    """As far as it is known: with the power only where it was set."""
    data = ibeacon.PREFIX + ibeacon.id_of(*_who(settings))
    if Setting.MEASURED_POWER in settings:
        data += int(settings[Setting.MEASURED_POWER]).to_bytes(1, "big", signed=True)
    return data


def _who(settings: Settings) -> tuple[str, int, int]:
    return str(settings[Setting.UUID]), int(settings[Setting.MAJOR]), int(settings[Setting.MINOR])


def _eddystone(advert: Advert, kind: int, body: bytes, settings: Settings) -> bool:
    data = advert.service_data.get(EDDYSTONE, b"")
    if len(data) < 2 + len(body) or data[0] != kind or data[2 : 2 + len(body)] != body:
        return False
    if kind == eddystone.URL and len(data) != 2 + len(body):
        return False
    power = settings.get(Setting.MEASURED_POWER)
    return power is None or data[1] == (int(power) + eddystone.FIRST_METRE_DB) & 0xFF
