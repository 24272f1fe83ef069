"""Emulated beacons are configured through the real BlueZ: found, connected to, set, read back and heard."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from devices.beacons.emulator.emulated import sham_of
from devices.beacons.emulator.virtual import Air, Beacon
from devices.beacons.provisioning.job import Patience
from devices.beacons.provisioning.provision import provision, verify
from devices.beacons.radios.radio import BleakRadio
from edge.board import State
from edge.config import RadioSection
from edge.documents import Documents
from edge.shop import Shop
from tests.devices.beacons.given_emulator import ADDRESS, PROFILES, job_for, secrets_of, sends_what_was_wanted
from tests.vm.emulated import adapter
from tests.vm.hearing import gateway, soon

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


async def test_the_command_configures_while_the_daemon_scans(tmp_path: Path) -> None:
    """Two processes and one adapter: the daemon's scan pauses for the connection, and goes on after it."""
    air = Air()
    sham = sham_of(PROFILES["nordic-beacon-kit"], address=ADDRESS)
    door = {
        "id": "door", "uuid": "FDA50693-A4E2-4FB1-AFCF-C6EB07647825", "major": 10_001, "minor": 0x1234,
        "measured_power_dbm": -61, "profile": "nordic-beacon-kit", "address": ADDRESS, "interval_ms": 760,
    }  # fmt: skip
    documents = await asyncio.to_thread(Documents.open, tmp_path)
    await documents.put("beacons", [door], by="test")
    async with adapter(air) as hci, Beacon(air, sham, ADDRESS, pace_s=0.5):
        config = tmp_path / "gateway.toml"
        config.write_text(
            f'[gateway]\ntenant = "acme"\nstore = "sh-042"\nid = "gw-1"\nstate_dir = "{tmp_path}"\n'
            f'[[radios]]\nadapter = "{hci}"\nadvertise = false\n'
        )
        section = RadioSection(adapter=hci, advertise=False)
        async with gateway(tmp_path, Shop, section) as told:
            await soon(lambda: told.board.radio(hci).adverts_per_s > 0, "the daemon's scan")
            command = [sys.executable, "-m", "edge", "beacon", "provision", "door", "--json", "--unverified"]
            process = await asyncio.create_subprocess_exec(
                *command, "--config", str(config), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            await soon(lambda: told.board.radio(hci).scan == "paused", "its pause")
            out, err = await asyncio.wait_for(process.communicate(), 180)
            assert process.returncode == 0, (out, err)
            (line,) = json.loads(out)
            assert (line["id"], line["ok"]) == ("door", True)
            assert sends_what_was_wanted(PROFILES["nordic-beacon-kit"], sham.frames())
            await soon(lambda: told.board.radio(hci).scan == "active", "its scan again")
            await soon(lambda: told.board.radio(hci).state is State.UP, "the radio")
            assert told.steps == [], "a pause is no failure"
