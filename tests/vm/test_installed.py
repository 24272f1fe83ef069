"""The gateway as it is installed: the installer, the unit, READY, the watchdog, under the real systemd."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.beacons.advert import APPLE
from devices.beacons.radios import radio
from tests.vm.air import Air, beacon, powered_on, until
from tests.vm.hearing import soon
from tests.vm.installing import CONFIG, install, said, show

pytestmark = pytest.mark.vm
RULES = Path("/etc/udev/rules.d/70-storegate-scanners.rules")
DROP_IN = Path("/run/systemd/system/storegate.service.d/soon.conf")
SHORT = """
[gateway]
tenant = "acme"
store = "sh-042"
id = "gw-1"

[[radios]]
adapter = "hci0"
zone = "door"
"""
ADMIN = "http://127.0.0.1:8082"
UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
WATCHDOG_S = 20


@pytest.fixture(scope="module")
def installed() -> Iterator[None]:
    install()
    yield
    RULES.unlink()  # other tests see devices without names of ours
    subprocess.run(["udevadm", "control", "--reload"], check=True)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("unit", ["storegate", "storegate-gate"])
def test_a_unit_is_well_formed_and_locked_up(unit: str) -> None:
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"{unit}.service"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    told = subprocess.run(["systemd-analyze", "security", "--no-pager", unit], capture_output=True, text=True)
    level = re.search(r"exposure level for \S+: ([\d.]+)", told.stdout)
    assert level is not None
    assert float(level.group(1)) <= 1.5


@pytest.fixture(scope="module")
def around() -> Iterator[Air]:
    made = Air(2)
    yield made
    made.end()


@pytest.fixture(scope="module")
def running(installed: None, around: Air) -> Iterator[dict[str, str]]:
    assert CONFIG.stat().st_mode & 0o777 == 0o640
    CONFIG.write_text(SHORT)
    DROP_IN.parent.mkdir(parents=True)
    DROP_IN.write_text(f"[Service]\nWatchdogSec={WATCHDOG_S}\nTimeoutStopSec=5\n")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    done = subprocess.run(["systemctl", "start", "storegate"], capture_output=True, text=True)  # returns at READY
    assert done.returncode == 0, said("storegate")
    yield show("storegate", "ActiveState", "StatusText", "User", "MainPID", "NRestarts")
    subprocess.run(["systemctl", "stop", "storegate"], check=True)


def ask(path: str, *, put: object = None) -> Any:
    data = None if put is None else json.dumps(put).encode()
    wanted = urllib.request.Request(
        f"{ADMIN}{path}",
        data=data,
        method="GET" if put is None else "PUT",
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(wanted, timeout=60) as answer:
        return answer.read()


def test_it_starts_and_says_ready(running: dict[str, str]) -> None:
    assert (running["ActiveState"], running["User"], running["NRestarts"]) == ("active", "storegate", "0")
    assert "status page http" in running["StatusText"]
    assert ask("/healthz")
    asked = ["storegate", "doctor", "--json"]
    doctor = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert json.loads(doctor.stdout)


@pytest.mark.usefixtures("running")
async def test_confined_as_it_is_it_sends_and_hears_beacons(around: Air) -> None:
    """As an unprivileged user of the group bluetooth, behind the unit's walls."""
    own = {"id": "gw-1", "uuid": UUID, "major": 1, "minor": 7, "profile": "gateway"}
    door = {"id": "door", "uuid": UUID, "major": 1, "minor": 8, "interval_ms": 300}
    await asyncio.to_thread(ask, "/api/v1/documents/beacons", put=[own, door])
    around.place(beacon(bytes.fromhex(UUID.replace("-", "")), 1, 8), -60, interval=0.3, adapter=0)
    heard: set[bytes] = set()
    await asyncio.to_thread(powered_on, "hci1")
    async with radio.scan("hci1", "active", lambda advert: heard.add(advert.manufacturer.get(APPLE, b""))):
        await soon(
            lambda: bytes.fromhex("0215" + UUID.replace("-", "") + "00010007c5") in heard, "the gateway's beacon"
        )

    def hears() -> bool:
        found = {one["id"]: one for one in json.loads(ask("/api/v1/status"))["beacons"]}
        return "door" in found and found["door"]["rssi_dbm"] is not None

    await asyncio.to_thread(until, hears, "the beacon at the door")


def test_it_is_watched_and_comes_back(running: dict[str, str]) -> None:
    os.kill(int(running["MainPID"]), signal.SIGSTOP)  # hangs
    until(lambda: show("storegate", "NRestarts")["NRestarts"] == "1", "the watchdog", within_s=WATCHDOG_S + 60)
    until(lambda: show("storegate", "ActiveState")["ActiveState"] == "active", "READY again", within_s=120)
    assert "Watchdog timeout" in said("storegate")
    assert subprocess.run(["systemctl", "stop", "storegate"]).returncode == 0
    last = show("storegate", "ActiveState", "Result")
    assert (last["ActiveState"], last["Result"]) == ("inactive", "success"), said("storegate")
