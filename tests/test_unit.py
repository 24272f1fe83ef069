"""The unit stays locked up: `systemd-analyze security` is at most 1.5, and the file is well formed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "systemd" / "storegate.service"


@pytest.mark.allow_blocking
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_exposure() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)], capture_output=True, text=True
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
