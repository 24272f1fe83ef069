"""`storegate-gate` as a person meets it: --help, --check, exit codes, systemd."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from devices.access.gate import __main__ as program
from devices.access.gate.__main__ import main
from tests.devices.access.gate.given_gate import Box, box, needs_network

__all__ = ["box"]
UNIT = Path(__file__).parents[4] / "systemd" / "storegate-gate.service"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for word in (
        "CAP_NET_ADMIN",
        "--check",
        "nft list table inet storegate",
        "exit codes",
        "/etc/storegate/gateway.toml",
    ):
        assert word in said


def test_no_guest_network_ends_well(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('[gate]\ninterface = ""\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert main(["--config", str(config)]) == 0
        assert told.recv(200).startswith(b"READY=1\n")
    assert "no guest network" in capsys.readouterr().err
    assert main(["--config", str(config), "--check"]) == 0


def test_mistakes_are_said_as_everywhere_and_the_environment_names_the_file(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("[gate]\nidle_s = 1\n")
    monkeypatch.setenv("STOREGATE_CONFIG", str(config))
    assert main([]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("error: ")
    assert said[-1].startswith("next: ")


def test_who_has_seen_enough_of_the_rules_gets_no_traceback(config: Path) -> None:
    config.write_text('[gate]\ninterface = "lo9"\nuplink = "lo8"\n')
    command = f"{sys.executable} -m devices.access.gate --config {config} --check | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=30, check=False)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_the_fake_needs_no_gate(config: Path) -> None:
    config.write_text('[gate]\ninterface = "wlan0"\ndriver = "fake"\n')
    assert main(["--config", str(config)]) == 0


def test_a_wrong_file_is_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config)]) == 2
    config.write_text("[gate]\nidle_s = 1\n")
    assert main(["--config", str(config), "--check"]) == 2
    assert "gate.idle_s: wants" in capsys.readouterr().err


def test_a_socket_that_cant_be_made_is_1(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(f'[gate]\ninterface = "guest9"\nsocket = "{tmp_path}/no/gate.sock"\n')
    assert main(["--config", str(config)]) == 1
    assert "gate.socket" in capsys.readouterr().err


@needs_network
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"address6": ""},
        {"uplink": ""},
        {"uplink": "", "address6": ""},
        {"blocked": []},
        {"blocked": ["10.0.0.0/8", "10.1.0.0/16", "::/0", "0.0.0.0/0"]},
        {"reachable": ["192.168.1.9", "192.168.1.8", "2001:db8::/64"]},
        {"reachable": ["192.168.1.9"], "blocked": []},
        {"masquerade6": True},
        {"interface": "br-guest.20_x"},
    ],
)
def test_check_prints_rules_that_nft_takes_and_changes_nothing(box: Box, keys: dict[str, object]) -> None:
    box.configure(**keys)
    done = box.box.start(sys.executable, "-m", "devices.access.gate", "--config", str(box.config), "--check")
    out, err = done.communicate(timeout=10)
    assert (done.returncode, err.strip()) == (0, "nft takes these rules; nothing was changed")
    assert "table inet storegate {" in out
    assert box.box.run("nft", "list", "tables") == ""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_the_unit_is_locked_up() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)], capture_output=True, text=True
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    if found is None:
        pytest.skip(f"systemd-analyze can't look at a unit offline here: {done.stderr.strip()[:100]}")
    assert float(found.group(1)) <= 2.0


def test_the_loop_that_turns_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three times while systemd waits, and not at all where it does not ask."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        now_s = 1000.0
        monkeypatch.setattr(program.time, "monotonic", lambda: now_s)
        for asked in ("", "no", "60000000"):
            monkeypatch.setenv("WATCHDOG_USEC", asked)
            alive = program._Alive()
            for _ in range(300):
                now_s += 0.1
                alive.tell()
        told = []
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(heard.recv(100))
        assert told == [b"WATCHDOG=1"] * 2
    assert "WatchdogSec=60" in UNIT.read_text("utf-8").splitlines()


def test_the_unit_says_what_the_gate_needs() -> None:
    text = UNIT.read_text("utf-8")
    for line in (
        "Type=notify",
        "User=storegate-gate",
        "AmbientCapabilities=CAP_NET_ADMIN",
        "CapabilityBoundingSet=CAP_NET_ADMIN",
        "ReadWritePaths=/proc/sys/net",
        "RuntimeDirectory=storegate-gate",
        "ExecStart=/opt/storegate/venv/bin/storegate-gate --config /etc/storegate/gateway.toml",
    ):
        assert line in text.splitlines()
    assert re.search(r"^Before=.*network-pre\.target", text, re.MULTILINE)
