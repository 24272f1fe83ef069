"""A hidraw node, played by a FIFO: one write is one report."""

from __future__ import annotations

import os
from pathlib import Path

from devices.scanners.attached import AttachedScanner
from devices.scanners.classify import classifier
from devices.scanners.hid_pos import HidRaw
from edge.config import CodesSection
from tests.devices.scanners.given_scanner import Heard, running, section
from tests.devices.scanners.pos_scanner import report
from tests.given import HandClock


async def test_reports_are_told_and_the_unplug_too(tmp_path: Path, hand_clock: HandClock) -> None:
    node = tmp_path / "hidraw0"
    os.mkfifo(node)
    writer = os.open(node, os.O_RDWR)
    heard = Heard()
    scanner = AttachedScanner(
        section("hid-pos", str(node)), HidRaw(node), classify=classifier(CodesSection()), clock=hand_clock.clock
    )
    async with running(scanner, heard):
        await heard.wait(1)
        os.write(writer, report("6901234567892", "]E0"))
        assert await heard.wait(2) == ["DeviceFound", "06901234567892"]
        os.write(writer, report("134567890123456789", "]Q1"))
        assert await heard.wait(3) == ["DeviceFound", "06901234567892", ""]
        node.unlink()
        os.close(writer)
        assert (await heard.wait(4))[3] == "DeviceLost"
