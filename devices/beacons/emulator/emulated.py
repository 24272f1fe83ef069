"""From a profile to an emulated beacon."""

from __future__ import annotations

from devices.beacons.emulator.kkm import KkmSham
from devices.beacons.emulator.sham import Faults, Settings, Sham
from devices.beacons.emulator.slots import SlotSham
from devices.beacons.emulator.tables import TableSham
from devices.beacons.emulator.uart import EspruinoSham, ModemSham
from devices.beacons.profile import BeaconProfile
from edge.errors import UsageError

KINDS: dict[str, type[Sham]] = {
    "fields": TableSham,
    "eddystone-slot": SlotSham,
    "kkm": KkmSham,
    "espruino": EspruinoSham,
    "at": ModemSham,
}
"""Dialect → what behaves like it. The others have nothing that could be connected to."""


def sham_of(
    profile: BeaconProfile,
    *,
    address: str = "C1:00:00:00:00:01",
    secret: str = "",
    settings: Settings | None = None,
    faults: Faults | None = None,
) -> Sham:
    """`secret` empty: as it left the factory. Raises UsageError."""
    kind = KINDS.get(profile.dialect)
    if kind is None or (profile.dialect == "at" and not (profile.at and profile.at.write)):
        raise UsageError(f"{profile.vendor} {profile.model} takes no connections: nothing to emulate")
    return kind(profile=profile, address=address, secret=secret, settings=settings or {}, faults=faults or Faults())
