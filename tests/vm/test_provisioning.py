"""Emulated beacons are configured through the real BlueZ: found, connected to, set, read back and heard."""

from __future__ import annotations

import pytest

from devices.beacons.emulator.emulated import sham_of
from devices.beacons.emulator.virtual import Air, Beacon
from devices.beacons.job import Patience
from devices.beacons.provision import provision, verify
from devices.beacons.radio import BleakRadio
from tests.devices.beacons.given_emulator import ADDRESS, PROFILES, job_for, secrets_of, sends_what_was_wanted
from tests.vm.emulated import adapter

pytestmark = pytest.mark.vm
PATIENCE = Patience(find_s=60, connect_s=90, unlock_s=60, talk_s=60, hear_s=90)


@pytest.mark.parametrize("name", ["nordic-beacon-kit", "kkm-kbeacon", "eddystone-gatt", "ibks-105"])
async def test_it_is_configured_over_bluez(name: str) -> None:
    """Plain characteristics, a framed protocol with notifications, an AES challenge, a password that changes."""
    profile, air = PROFILES[name], Air()
    sham = sham_of(profile, address=ADDRESS, secret=secrets_of(profile)[0])
    async with adapter(air) as hci, Beacon(air, sham, ADDRESS, pace_s=0.5):
        done = await provision(job_for(profile, patience=PATIENCE), BleakRadio(hci))
        assert sends_what_was_wanted(profile, sham.frames())
        assert done.changed
        secret = secrets_of(profile)[1] if done.password_changed else secrets_of(profile)[0]
        assert await verify(job_for(profile, patience=PATIENCE, secret=secret), BleakRadio(hci)) == {}
