"""From a profile to a conversation, and to what can be said in it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from devices.beacons.link import GattSession
from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning.dialects import at, eddystone_slot, esphome, espruino, fields, kkm
from devices.beacons.provisioning.dialects.dialect import Dialect
from edge.errors import UsageError

SETTABLE_OF = {
    "fields": fields.settable_of, "eddystone-slot": eddystone_slot.settable_of, "at": at.settable_of,
}  # fmt: skip


def opened(profile: BeaconProfile, session: GattSession, *, address: str) -> AbstractAsyncContextManager[Dialect]:
    """Over the air. (Over a serial line: `at.over_line`.) Raises UsageError for what is no radio's business."""
    match profile.dialect:
        case "fields":
            return fields.opened_fields(profile, session)
        case "eddystone-slot":
            return eddystone_slot.opened_eddystone(profile, session)
        case "kkm":
            return kkm.opened_kkm(profile, session, address=address)
        case "espruino":
            return espruino.opened_espruino(profile, session)
        case "at":
            return at.opened_at(profile, session)
        case "esphome":
            raise UsageError("this profile makes a file for ESPHome, nothing is sent to the device")
        case "gateway":
            raise UsageError("the gateway's own radio is set by its documents, not by this command")


def settable_of(profile: BeaconProfile) -> frozenset[Setting]:
    """What can be set on this model at all, before it is connected to."""
    match profile.dialect:
        case "fields" | "eddystone-slot" | "at":
            return SETTABLE_OF[profile.dialect](profile)
        case "kkm":
            return kkm.SETTABLE
        case "espruino":
            return espruino.SETTABLE
        case "esphome" | "gateway":
            return esphome.SETTABLE


def changes_secret(profile: BeaconProfile) -> bool:
    """Whether it has a password that can be changed from here."""
    match profile.dialect:
        case "kkm":
            return True
        case "at":
            return bool(at.at_of(profile).change)
        case _:
            return profile.unlock.change is not None
