"""`storegate scanner` on a real tty: the sheet, pairing, watching."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devices.scanners.pairing import SHEET
from edge.checked import check
from edge.cli.scanner import app
from edge.config import ScannerSection

RUN = "import sys; from edge.cli.scanner import app; app(sys.argv[1:], prog_name='scanner')"


@pytest.fixture
def tty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def told(arguments: list[str], master: int, scans: list[bytes], *, lines: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs the command while the scans are made again and again, until it ends; after `lines` lines it gets Ctrl-C."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        first = process.stderr.readline()
        assert "listening" in first

        def scan_on() -> None:
            while process.poll() is None:
                for scan in scans:
                    os.write(master, scan)
                    time.sleep(0.5)
                time.sleep(0.01)

        scanning = threading.Thread(target=scan_on)
        scanning.start()
        seen = "".join(process.stdout.readline() for _ in range(lines))
        if lines:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        scanning.join()
        return subprocess.CompletedProcess(arguments, process.returncode, seen + out, first + err)


def test_pairing_tells_how_the_scanner_is_set(tty: tuple[int, str]) -> None:
    master, path = tty
    scans = [f"]X0{code.text}\r".encode() for code in SHEET]
    done = told(["pair", "--device", path, "--json", "--seconds", "30"], master, scans)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["transport"] == "serial"
    assert facts["findings"]["aim"]
    assert facts["findings"]["problems"] == []
    section, mistakes = check(tomllib.loads(facts["toml"])["scanners"][0], ScannerSection)
    assert not mistakes
    assert section is not None
    assert (section.device, section.suffix) == (path, "cr")


def test_pairing_without_a_scan_says_so(tty: tuple[int, str]) -> None:
    done = told(["pair", "--device", tty[1], "--seconds", "1"], tty[0], [])
    assert done.returncode == 1
    assert "nothing was scanned" in done.stderr


def test_watching_masks_payment_codes(tty: tuple[int, str]) -> None:
    master, path = tty
    scans = [b"]E06901234567892\r", b"134567890123456789\r"]
    done = told(["watch", path, "--json"], master, scans, lines=4)
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    first = next(fact for fact in facts if fact["kind"] == "gtin")
    second = next(fact for fact in facts if fact["kind"] == "payment")
    assert first["gtin"] == "06901234567892"
    assert second.get("value", "") == ""
    assert done.returncode == 0
    assert "134567890123456789" not in done.stdout + done.stderr


def test_codes_in_one_breath_with_a_payment_code_are_masked(tty: tuple[int, str]) -> None:
    master, path = tty
    done = told(["watch", path], master, [b"134567890123456789\r6901234567892\r\x1b]0;x\x07\x9b2J\r"], lines=3)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == ["payment  (not shown)", "gtin  (not shown)", "unknown  (not shown)"]
    assert not any(told in done.stdout for told in ("134567890123456789", "6901234567892", "\x1b", "\x9b"))


def test_a_device_does_not_move_the_cursor(tty: tuple[int, str]) -> None:
    master, path = tty
    done = told(["watch", path], master, ["\x1b[31mA\x9bB\u202e\r".encode()], lines=1)
    assert done.stdout.splitlines()[0] == "unknown  [31mAB"
    prefixed = [b"\x1b[2J" + code.text.encode() + b"\r" for code in SHEET]
    paired = told(["pair", "--device", path, "--seconds", "30"], master, prefixed)
    assert paired.returncode == 0, paired.stderr
    assert "\x1b" not in paired.stdout
    assert r"\u001b[2J" in paired.stdout


@pytest.mark.parametrize(("name", "start"), [("sheet.pdf", b"%PDF"), ("sheet.svg", b"<svg")])
def test_the_sheet_is_written(tmp_path: Path, name: str, start: bytes) -> None:
    target = tmp_path / name
    assert CliRunner().invoke(app, ["sheet", "--output", str(target)]).exit_code == 0
    assert target.read_bytes().startswith(start)


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["sheet", "--output", str(tmp_path / "x.doc")]).exit_code == 2
    assert runner.invoke(app, ["sheet", "--output", str(tmp_path / "no" / "x.pdf")]).exit_code == 1
    assert runner.invoke(app, ["watch", str(tmp_path / "none")]).exit_code == 1


def test_the_list_is_json() -> None:
    done = CliRunner().invoke(app, ["list", "--json"])
    assert done.exit_code == 0
    assert isinstance(json.loads(done.stdout), list)
