"""A room with an emulated beacon in it and a radio that hears it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from devices import profiles
from devices.beacons.emulator.air_data import eddystone, ibeacon
from devices.beacons.emulator.emulated import KINDS, sham_of
from devices.beacons.emulator.sham import Sham
from devices.beacons.emulator.slots import SlotSham
from devices.beacons.emulator.virtual import Air, Beacon, VirtualRadio
from devices.beacons.profile import FAMILY, BeaconProfile, Setting
from devices.beacons.provisioning.dialects.open import settable_of
from devices.beacons.provisioning.job import Job, Patience

ADDRESS = "C1:00:00:00:00:01"
UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
PACE_S = 0.1
PROFILES = profiles.all_of(FAMILY, BeaconProfile)
OVER_THE_AIR = sorted(
    name
    for name, one in PROFILES.items()
    if one.dialect in KINDS and (one.dialect != "at" or (one.at and one.at.write))
)
PATIENCE = Patience(find_s=5, connect_s=5, unlock_s=5, talk_s=5, hear_s=5)
WANTED: dict[Setting, Any] = {
    Setting.UUID: UUID,
    Setting.MAJOR: 10_001,
    Setting.MINOR: 0x1234,
    Setting.MEASURED_POWER: -61,
    Setting.INTERVAL: 760,
}
"""760 ms: one that HM-10 knows too."""
URL = "https://example.com/s/1"


class Room(NamedTuple):
    air: Air
    radio: VirtualRadio
    sham: Sham
    beacon: Beacon


@asynccontextmanager
async def room(profile: BeaconProfile, *, secret: str = "", **more: Any) -> AsyncIterator[Room]:
    air = Air()
    sham = sham_of(profile, address=ADDRESS, secret=secret, **more)
    async with Beacon(air, sham, ADDRESS, pace_s=PACE_S) as beacon, VirtualRadio(air) as radio:
        yield Room(air, radio, sham, beacon)


def secrets_of(profile: BeaconProfile) -> tuple[str, str, str]:
    """The password it has (empty: the factory's), a new one that fits, and a wrong one."""
    unlock = profile.unlock
    old, new, wrong = {
        "hex": ("0f" * unlock.max_bytes, "a5" * unlock.max_bytes, "5a" * unlock.max_bytes),
        "uint": ("1", "4660", "60013"),
        "ascii": ("000001", "246810", "135791") if unlock.scheme == "at-auth" else ("0ld-word", "s3cret-x", "wr0ng-xx"),
    }[unlock.encoding]
    return "" if unlock.default else old, new, wrong


def has_password(profile: BeaconProfile) -> bool:
    return profile.unlock.scheme not in {"none", "button"}


def job_for(profile: BeaconProfile, **more: Any) -> Job:
    old, new, _ = secrets_of(profile)
    wanted = {**WANTED, **({Setting.URL: URL} if "eddystone-url" in profile.frames else {})}
    given = Job(
        beacon="door", profile=profile, address=ADDRESS, wanted=wanted, secret=old if has_password(profile) else "",
        new_secret=new if has_password(profile) else "", unverified=True, patience=PATIENCE,
    )  # fmt: skip
    return replace(given, **more)


def sends_what_was_wanted(profile: BeaconProfile, frames: list[bytes]) -> bool:
    """What must be on the air in the end is spelled here by hand."""
    if "ibeacon" in profile.frames:
        power = -61 if Setting.MEASURED_POWER in settable_of(profile) else -59
        return ibeacon(UUID, 10_001, 0x1234, power) in frames
    if "eddystone-uid" in profile.frames:
        return eddystone(bytes.fromhex("00ecfda50693c6eb07647825000027111234") + b"\0\0") in frames
    return any(frame.endswith(b"\x03example\0s/1") for frame in frames)


def state_of(sham: Sham) -> dict[str, Any]:
    """All that it keeps and sends: compared before and after."""
    if isinstance(sham, SlotSham):
        powers = sham.radio_dbm, sham.radio_dbm if sham.advertised_dbm is None else sham.advertised_dbm
        return {"slots": list(sham.slots), "interval": sham.interval_ms, "powers": powers}
    return {str(setting): value for setting, value in sham.kept.items()}
