"""The demo as a person starts it: it ends by itself with an account, and Ctrl-C leaves nothing running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.peer,
    pytest.mark.allow_blocking,
    pytest.mark.skipif(
        shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None, reason="no mosquitto here"
    ),
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="no dbus-daemon here"),
]
COMMAND = [sys.executable, "-m", "edge", "demo"]
BEACONS = ("shake.made.v1", "draw.won.v1", "page.shown.v1", "presence.counted.v1", "zone.entered.v1")
WIFI = ("guest.admitted.v1", "guest.left.v1")
ROOT = Path(__file__).parents[2]


def test_a_day_then_ctrl_c(tmp_path: Path) -> None:
    """One test, since the second half uses the film that the first one made."""
    state = tmp_path / "demo"
    done = subprocess.run(
        [*COMMAND, "--seconds", "15", "--speed", "1500", "--state", str(state)],
        capture_output=True, text=True, timeout=180, cwd=ROOT,
    )  # fmt: skip
    told = done.stdout
    assert done.returncode == 0, told + done.stderr + _logs(state)
    assert "every event is accounted for" in told
    assert "lost 0, missing 0, doubled 0" in told
    assert "used twice 0" in told
    for kind in ("code.scanned.v1", "coupon.redeemed.v1", "footfall.counted.v1", "kiosk.searched.v1", *BEACONS, *WIFI):
        assert f"cloud: {kind}:" in told, told
    assert _running(state) == []

    playing = subprocess.Popen(
        [*COMMAND, "--state", str(state)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    _until(lambda: len(_running(state)) >= 6, within_s=60)
    second = subprocess.run(
        [*COMMAND, "--seconds", "5", "--state", str(state)], capture_output=True, text=True, cwd=ROOT
    )
    assert second.returncode == 2
    assert "runs in" in second.stderr
    assert (state / "state").exists()
    playing.send_signal(signal.SIGINT)
    said, _ = playing.communicate(timeout=60)
    assert playing.returncode == 0, said
    assert _running(state) == []


def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years", "utf-8")
    command = [*COMMAND, "--seconds", "5", "--reset", "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2
    assert "other files" in done.stderr
    assert (tmp_path / "thesis.txt").read_text("utf-8") == "three years"


def _running(state: Path) -> list[str]:
    """Command lines of the processes that have to do with this stage."""
    found = []
    address = state / "bus.address"
    bus = address.read_text("utf-8").strip().removeprefix("unix:path=").removesuffix("/bus") if address.exists() else ""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if str(state) in line or (bus and bus in line):
                found.append(line)
    return found


def _until(true: object, *, within_s: float) -> None:
    assert callable(true)
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.1)


def _logs(state: Path) -> str:
    return "\n".join(f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-2000:]}" for log in state.glob("*.log"))
