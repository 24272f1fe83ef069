"""The units stay locked up: `systemd-analyze security` is at most 1.5, and the files are well formed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[1] / "systemd"
UNIT, GATE = SYSTEMD / "storegate.service", SYSTEMD / "storegate-gate.service"


@pytest.mark.allow_blocking
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
@pytest.mark.parametrize("unit", [UNIT, GATE], ids=lambda unit: unit.stem)
def test_exposure(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)], capture_output=True, text=True
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    if found is None:
        pytest.skip(f"systemd-analyze can't look at a unit offline here: {done.stderr.strip()[:100]}")
    assert float(found.group(1)) <= 1.5


def test_runs_the_installed_command() -> None:
    text = UNIT.read_text("utf-8")
    assert "ExecStart=/opt/storegate/venv/bin/storegate run --config /etc/storegate/gateway.toml" in text
    assert "Type=notify" in text
    assert "WatchdogSec=" in text


def test_the_gate_has_one_right() -> None:
    text = GATE.read_text("utf-8")
    assert re.findall(r"^(?:Ambient\w+|CapabilityBoundingSet)=(.*)$", text, re.MULTILINE) == ["CAP_NET_ADMIN"] * 2
    assert "User=storegate-gate" in text
