"""A section of gateway.toml → the driver it asks for."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import get_args

import pytest

from devices.scanners.attached import AttachedScanner
from devices.scanners.build import profile_of, scanner, source
from devices.scanners.fake import FakeScanner
from devices.scanners.framing import Suffix
from devices.scanners.hid_keyboard import Wedge
from devices.scanners.hid_pos import HidRaw
from devices.scanners.layouts import LAYOUTS
from devices.scanners.profile import GENERIC
from devices.scanners.serial import SerialPort
from edge.config import CodesSection, ScannerSection
from edge.errors import UsageError
from tests.devices.scanners.given_scanner import section
from tests.given import HandClock


@pytest.mark.parametrize(("transport", "kind"), [("serial", SerialPort), ("hid-keyboard", Wedge), ("hid-pos", HidRaw)])
def test_each_transport_has_its_source(transport: str, kind: type, hand_clock: HandClock) -> None:
    asked = section(transport, "/dev/null")
    made = source(asked, GENERIC)
    assert isinstance(made, kind)
    assert made.path == Path("/dev/null")
    driver = scanner(asked, GENERIC, CodesSection(), hand_clock.clock)
    assert isinstance(driver, AttachedScanner)
    assert driver.name == "scanner dock-1"


def test_a_fake_is_built(hand_clock: HandClock) -> None:
    assert isinstance(scanner(section(), GENERIC, CodesSection(), hand_clock.clock), FakeScanner)


def test_a_profile_by_name_or_none() -> None:
    assert profile_of(section("serial", "/dev/null", profile="zebra-ds2208")).model == "DS2208"
    assert profile_of(section("serial", "/dev/null")) is GENERIC
    with pytest.raises(UsageError, match="zebra-ds22"):
        profile_of(section("serial", "/dev/null", profile="zebra-ds22"))


def test_config_and_code_know_the_same_words() -> None:
    hints = typing.get_type_hints(ScannerSection)
    assert set(get_args(hints["layout"])) == {"", *LAYOUTS}
    assert set(get_args(hints["suffix"])) == {"", *(str(suffix) for suffix in Suffix)}
