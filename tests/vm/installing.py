"""The gateway installed as a shop installs it, once for all tests of a run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = Path("/etc/storegate/gateway.toml")
PROGRAM = Path("/opt/storegate/venv/bin/storegate")


def install() -> None:
    """Without a network: what the gateway needs is there already, itself is built and installed."""
    if PROGRAM.exists():
        return
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", "PIP_NO_COMPILE": "1"}
    run("systemd/install", more=offline)


def run(*command: str, more: dict[str, str] | None = None, check: bool = True) -> str:
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(more or {})}, capture_output=True, text=True)
    assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def show(unit: str, *names: str) -> dict[str, str]:
    asked = [part for name in names for part in ("-p", name)]
    return dict(line.split("=", 1) for line in run("systemctl", "show", unit, *asked).splitlines())


def said(unit: str) -> str:
    return run("journalctl", "-u", unit, "-o", "cat", "--no-pager")
