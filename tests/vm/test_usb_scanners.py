"""Real USB, HID and input drivers of the kernel against ours: hot-plug, grab, two scanners of one model, udev rules."""

from __future__ import annotations

import asyncio
import grp
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import evdev
import pytest
from evdev import ecodes

from devices import profiles
from devices.driver import Driver
from devices.scanners.build import scanner
from devices.scanners.candidates import attached
from devices.scanners.framing import Suffix
from devices.scanners.listen import bursts, transport_of
from devices.scanners.pairing import DIGITS, LETTERS, SYMBOLS, Burst, pair
from devices.scanners.profile import FAMILY, GENERIC, ScannerProfile
from edge.clock import Clock
from edge.config import CodesSection
from tests.devices.scanners import given_scanner
from tests.devices.scanners.given_scanner import Heard, running, section
from tests.devices.scanners.pos_scanner import DESCRIPTOR, reports
from tests.devices.scanners.typing_scanner import type_text
from tests.vm import gadget
from tests.vm.gadget import Gadget, found, key_reports

ROOT = Path(__file__).parents[2]
GTIN = "6901234567892"


@pytest.fixture(autouse=True, scope="module")
def machine() -> None:
    gadget.load_modules()
    given_scanner.WAIT_S = gadget.WAIT_S


@pytest.fixture
def pos() -> Iterator[Gadget]:
    made = Gadget(vendor=0x0C2E, product=0x0907, name="POS Scanner", descriptor=DESCRIPTOR, report_bytes=64, boot=False)
    yield made
    made.remove()


@pytest.fixture
def wedge() -> Iterator[Gadget]:
    made = Gadget(
        vendor=0x0C2E, product=0x0B61, name="Wedge Scanner", descriptor=gadget.KEYBOARD, report_bytes=8, boot=True
    )
    yield made
    made.remove()


def driver(transport: str, path: Path) -> Driver:
    return scanner(section(transport, str(path)), GENERIC, CodesSection(), Clock())


async def test_hid_pos_is_read_by_its_descriptor_and_survives_a_replug(pos: Gadget) -> None:
    pos.plug()
    path = found("hidraw*")
    heard = Heard()
    async with running(driver("hid-pos", path), heard):
        await heard.wait(1)
        await asyncio.to_thread(pos.send, *reports(GTIN, "]E0"))
        assert await heard.wait(2) == ["DeviceFound", "06901234567892"]
        await asyncio.to_thread(pos.send, *reports("L" * 120, "]Q1"))
        assert (await heard.wait(3))[2] == "L" * 120
        pos.unplug()
        assert (await heard.wait(4))[3] == "DeviceLost"
        pos.plug()
        assert (await heard.wait(5))[4] == "DeviceFound"
        await asyncio.to_thread(pos.send, *reports(GTIN, "]E0"))
        assert (await heard.wait(6))[5] == "06901234567892"


async def test_a_usb_wedge_is_grabbed_and_survives_a_replug(wedge: Gadget) -> None:
    wedge.plug()
    path = found("*usb*-event-kbd", under="/dev/input/by-path")
    heard = Heard()
    async with running(driver("hid-keyboard", path), heard):
        await heard.wait(1)
        eavesdropper = evdev.InputDevice(str(path))
        with pytest.raises(OSError, match="busy"):
            eavesdropper.grab()
        await asyncio.to_thread(wedge.send, *key_reports(type_text(GTIN + "\r", "us")))
        assert await heard.wait(2) == ["DeviceFound", "06901234567892"]
        assert eavesdropper.read_one() is None  # nobody else hears the shopper's scan
        eavesdropper.close()
        wedge.unplug()
        assert (await heard.wait(3))[2] == "DeviceLost"
        wedge.plug()
        assert (await heard.wait(4))[3] == "DeviceFound"
        await asyncio.to_thread(wedge.send, *key_reports(type_text("4006381333931\r", "us")))
        assert (await heard.wait(5))[4] == "04006381333931"


def uinput() -> evdev.UInput:
    return evdev.UInput({ecodes.EV_KEY: list(range(1, 128))}, name="Acme Scanner", vendor=0x0C2E, product=0x0B61)


async def type_on(keyboard: evdev.UInput, text: str, *, layout: str = "us") -> None:
    """At a scanner's pace: all at once would overrun the kernel's queue of 64 events."""
    for code, value in type_text(text, layout):
        keyboard.write(ecodes.EV_KEY, code, value)
        keyboard.syn()
        await asyncio.sleep(0.002)


async def test_two_scanners_of_one_model_are_two() -> None:
    with uinput() as left, uinput() as right:
        ears = {board: Heard() for board in (left, right)}
        for board in (left, right):
            await asyncio.to_thread(found, Path(board.device.path).name, under="/dev/input")
        async with (
            running(driver("hid-keyboard", Path(left.device.path)), ears[left]),
            running(driver("hid-keyboard", Path(right.device.path)), ears[right]),
        ):
            await ears[left].wait(1)
            await ears[right].wait(1)
            await type_on(left, f"{GTIN}\r")
            await type_on(right, "https://example.cn/A?b=1\r")
            assert (await ears[left].wait(2))[1] == "06901234567892"
            assert (await ears[right].wait(2))[1] == "https://example.cn/A?b=1"


async def test_a_torn_code_is_dropped_not_guessed() -> None:
    """More keys at once than the kernel's queue holds: it says SYN_DROPPED, and the rest must not pass for a code."""
    with uinput() as board:
        heard = Heard()
        await asyncio.to_thread(found, Path(board.device.path).name, under="/dev/input")
        async with running(driver("hid-keyboard", Path(board.device.path)), heard):
            await heard.wait(1)
            for code, value in type_text("x" * 100 + "\r", "us"):
                board.write(ecodes.EV_KEY, code, value)
                board.syn()
            await asyncio.sleep(0.5)
            await type_on(board, f"{GTIN}\r")
            assert (await heard.wait(2))[1] == "06901234567892"


async def test_keys_left_half_done_are_dropped() -> None:
    with uinput() as board:
        heard = Heard()
        await asyncio.to_thread(found, Path(board.device.path).name, under="/dev/input")
        async with running(driver("hid-keyboard", Path(board.device.path)), heard):
            await heard.wait(1)
            await type_on(board, "690")
            await asyncio.sleep(0.5)
            await type_on(board, f"{GTIN}\r")
            assert (await heard.wait(2))[1] == "06901234567892"


async def test_pairing_finds_a_german_wedge() -> None:
    with uinput() as board:
        path = await asyncio.to_thread(found, Path(board.device.path).name, under="/dev/input")

        async def scan_the_sheet() -> None:
            for code in (DIGITS, LETTERS, SYMBOLS):
                await asyncio.sleep(1)
                await type_on(board, f"{code.text}\r", layout="de")

        heard: list[Burst] = []
        async with asyncio.timeout(gadget.WAIT_S), aclosing(bursts(path, transport_of(path))) as stream:
            scanning = asyncio.create_task(scan_the_sheet())
            async for burst in stream:
                heard.append(burst)
                if len(pair(heard).seen) == 3:
                    break
            await scanning
    findings = pair(heard)
    assert (findings.layouts, findings.suffix, findings.problems) == (("de",), Suffix.CR, ())


def test_what_is_plugged_in_is_found_with_its_profile(pos: Gadget) -> None:
    pos.plug()
    path = found("hidraw*")
    (candidate,) = (one for one in attached(profiles.all_of(FAMILY, ScannerProfile)) if one.transport == "hid-pos")
    assert (candidate.device, candidate.profiles) == (str(path), ("honeywell-xenon-1900",))


@pytest.fixture
def udev_rules() -> None:
    subprocess.run(["groupadd", "-f", "storegate"], check=True)
    rules = Path("/run/udev/rules.d")
    rules.mkdir(exist_ok=True)
    shutil.copy(ROOT / "systemd" / "70-storegate-scanners.rules", rules)
    subprocess.run(["udevadm", "control", "--reload"], check=True)


@pytest.mark.usefixtures("udev_rules")
async def test_the_udev_rules_give_the_scanner_to_our_group_and_name_its_socket(pos: Gadget) -> None:
    pos.plug()
    link = await asyncio.to_thread(found, "*-hidraw", under="/dev/storegate")
    assert grp.getgrgid(link.stat().st_gid).gr_name == "storegate"
    assert link.stat().st_mode & 0o777 == 0o660
    (candidate,) = (one for one in attached(profiles.all_of(FAMILY, ScannerProfile)) if one.transport == "hid-pos")
    assert candidate.device == str(link)
    heard = Heard()
    async with running(driver("hid-pos", link), heard):
        await heard.wait(1)
        pos.unplug()
        assert (await heard.wait(2))[1] == "DeviceLost"
        pos.plug()
        assert (await heard.wait(3))[2] == "DeviceFound"
        await asyncio.to_thread(pos.send, *reports(GTIN, "]E0"))
        assert (await heard.wait(4))[3] == "06901234567892"
