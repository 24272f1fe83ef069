"""From a profile to a conversation."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from devices.beacons.dialects.at import opened_at
from devices.beacons.dialects.dialect import Dialect
from devices.beacons.dialects.eddystone_slot import opened_eddystone
from devices.beacons.dialects.espruino import opened_espruino
from devices.beacons.dialects.fields import opened_fields
from devices.beacons.dialects.kkm import opened_kkm
from devices.beacons.link import GattSession
from devices.beacons.profile import BeaconProfile
from edge.errors import UsageError


def opened(
    profile: BeaconProfile, session: GattSession, *, address: str
) -> AbstractAsyncContextManager[Dialect]:
    """Over the air. (Over a serial line: `dialects.at.over_line`.) Raises UsageError for what is no radio's business."""
    match profile.dialect:
        case "fields":
            return opened_fields(profile, session)
        case "eddystone-slot":
            return opened_eddystone(profile, session)
        case "kkm":
            return opened_kkm(profile, session, address=address)
        case "espruino":
            return opened_espruino(profile, session)
        case "at":
            return opened_at(profile, session)
        case "esphome":
            raise UsageError("this profile makes a file for ESPHome, nothing is sent", hint="storegate beacon render")
        case "gateway":
            raise UsageError("the gateway's own radio is set by its documents", hint="storegate documents put …")
