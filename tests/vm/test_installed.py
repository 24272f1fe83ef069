"""The gateway as it is installed: the installer, the unit, READY, the watchdog, under the real systemd."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.vm.air import until

pytestmark = pytest.mark.vm
ROOT = Path(__file__).parents[2]
CONFIG = Path("/etc/storegate/gateway.toml")
DROP_IN = Path("/run/systemd/system/storegate.service.d/soon.conf")
SHORT = """
[gateway]
tenant = "acme"
store = "sh-042"
id = "gw-1"
"""
WATCHDOG_S = 20


@pytest.fixture(scope="module")
def installed() -> None:
    """Without a network: what the gateway needs is there already, itself is built and installed."""
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", "PIP_NO_COMPILE": "1"}
    done = subprocess.run(["systemd/install"], cwd=ROOT, env={**os.environ, **offline}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def show(*names: str) -> dict[str, str]:
    asked = [part for name in names for part in ("-p", name)]
    told = subprocess.run(["systemctl", "show", "storegate", *asked], capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in told.stdout.splitlines())


def said() -> str:
    asked = ["journalctl", "-u", "storegate", "-o", "cat", "--no-pager"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("installed")
def test_the_unit_is_well_formed_and_locked_up() -> None:
    done = subprocess.run(["systemd-analyze", "verify", "storegate.service"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    told = subprocess.run(["systemd-analyze", "security", "--no-pager", "storegate"], capture_output=True, text=True)
    level = re.search(r"exposure level for \S+: ([\d.]+)", told.stdout)
    assert level is not None
    assert float(level.group(1)) <= 1.5


@pytest.mark.usefixtures("installed")
def test_it_starts_says_ready_is_watched_and_comes_back() -> None:
    assert CONFIG.stat().st_mode & 0o777 == 0o640
    CONFIG.write_text(SHORT)
    DROP_IN.parent.mkdir(parents=True)
    DROP_IN.write_text(f"[Service]\nWatchdogSec={WATCHDOG_S}\nTimeoutStopSec=5\n")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    done = subprocess.run(["systemctl", "start", "storegate"], capture_output=True, text=True)  # returns at READY
    assert done.returncode == 0, said()
    first = show("ActiveState", "StatusText", "User", "MainPID", "NRestarts")
    assert (first["ActiveState"], first["User"], first["NRestarts"]) == ("active", "storegate", "0")
    assert "status page http" in first["StatusText"]
    with urllib.request.urlopen("http://127.0.0.1:8082/healthz", timeout=60) as answer:
        assert answer.status == 200
    asked = ["storegate", "doctor", "--json"]
    doctor = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert json.loads(doctor.stdout)
    os.kill(int(first["MainPID"]), signal.SIGSTOP)  # hangs
    until(lambda: show("NRestarts")["NRestarts"] == "1", "the watchdog", within_s=WATCHDOG_S + 60)
    until(lambda: show("ActiveState")["ActiveState"] == "active", "READY again", within_s=120)
    assert "Watchdog timeout" in said()
    assert subprocess.run(["systemctl", "stop", "storegate"]).returncode == 0
    last = show("ActiveState", "Result")
    assert (last["ActiveState"], last["Result"]) == ("inactive", "success"), said()
