"""Serial scanners on a real tty: a pty whose other end the test holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.scanners.attached import AttachedScanner
from devices.scanners.classify import classifier
from devices.scanners.framing import Framing
from devices.scanners.serial import SerialPort
from edge.config import CodesSection
from edge.errors import DeviceError
from tests.devices.scanners.given_scanner import Heard, running, section
from tests.given import HandClock


class Cable:
    """A pty behind a link, as /dev/serial/by-id gives one: plugged and unplugged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master = -1

    def plug(self) -> None:
        self.master, slave = os.openpty()
        self.path.parent.mkdir(exist_ok=True)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.master)
        self.master = -1

    def send(self, data: bytes) -> None:
        os.write(self.master, data)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable(tmp_path / "by-id" / "usb-scanner")
    yield made
    if made.master >= 0:
        os.close(made.master)


def driver(path: Path, clock: HandClock, *, baud: int = 9600) -> AttachedScanner:
    source = SerialPort(path, baud=baud, framing=Framing())
    return AttachedScanner(section("serial", str(path)), source, classify=classifier(CodesSection()), clock=clock.clock)


async def test_a_scan_is_told_with_its_meaning(cable: Cable, hand_clock: HandClock) -> None:
    cable.plug()
    heard = Heard()
    async with running(driver(cable.path, hand_clock), heard):
        assert await heard.wait(1) == ["DeviceFound"]
        cable.send(b"]E0690123")
        cable.send(b"4567892\r\n]Q1134567890123456789\r\n")
        assert await heard.wait(3) == ["DeviceFound", "06901234567892", ""]


async def test_unplugged_and_plugged_in_again(cable: Cable, hand_clock: HandClock) -> None:
    cable.plug()
    heard = Heard()
    async with running(driver(cable.path, hand_clock), heard):
        await heard.wait(1)
        cable.send(b"half a co")
        cable.unplug()
        assert await heard.wait(2) == ["DeviceFound", "DeviceLost"]
        cable.path.parent.rmdir()  # /dev/serial/by-id goes with its last device
        cable.plug()
        await heard.wait(3)
        cable.send(b"whole\r")
        assert await heard.wait(4) == ["DeviceFound", "DeviceLost", "DeviceFound", "whole"]


async def test_a_scanner_that_comes_later_is_found(cable: Cable, hand_clock: HandClock) -> None:
    heard = Heard()
    async with running(driver(cable.path, hand_clock), heard):
        assert await heard.wait(1) == ["DeviceLost"]
        cable.plug()
        assert await heard.wait(2) == ["DeviceLost", "DeviceFound"]


async def test_what_is_no_tty_is_said(tmp_path: Path, hand_clock: HandClock) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no tty")
    with pytest.raises(DeviceError, match="no serial port"):
        await driver(plain, hand_clock).run(Heard().submit)


async def test_an_odd_speed_is_said(cable: Cable, hand_clock: HandClock) -> None:
    cable.plug()
    with pytest.raises(DeviceError, match="9601"):
        await driver(cable.path, hand_clock, baud=9601).run(Heard().submit)


async def test_a_port_in_use_is_said(cable: Cable, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """TIOCEXCL does not stop root, so the kernel's answer is played."""
    cable.plug()

    def busy(*_: object) -> int:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr("devices.scanners.serial.fcntl.ioctl", busy)
    with pytest.raises(DeviceError, match="in use"):
        await driver(cable.path, hand_clock).run(Heard().submit)
