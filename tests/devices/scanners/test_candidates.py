"""What is plugged in, read from a sysfs that the test wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices import profiles
from devices.scanners.candidates import attached, matching
from devices.scanners.profile import FAMILY, ScannerProfile
from tests.devices.scanners.pos_scanner import DESCRIPTOR

PROFILES = profiles.all_of(FAMILY, ScannerProfile)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    def write(path: str, text: str | bytes) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def link(path: str, target: str) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    write("sys/class/hidraw/hidraw0/device/report_descriptor", DESCRIPTOR)
    write("sys/class/hidraw/hidraw0/device/uevent", "HID_ID=0003:00000C2E:00000907\nHID_NAME=Honeywell Xenon\n")
    write("sys/class/hidraw/hidraw1/device/report_descriptor", b"\x05\x01\x09\x02")
    write("sys/class/hidraw/hidraw1/device/uevent", "HID_ID=0003:0000046D:0000C077\n")
    (tmp_path / "sys/class/hidraw/hidraw2").mkdir()
    write("sys/devices/usb1/idVendor", "1eab\n")
    write("sys/devices/usb1/idProduct", "1d06\n")
    (tmp_path / "sys/devices/usb1/1-1:1.0").mkdir()
    (tmp_path / "sys/class/tty/ttyACM0").mkdir(parents=True)
    link("sys/class/tty/ttyACM0/device", "../../../devices/usb1/1-1:1.0")
    link("dev/serial/by-id/usb-Newland_FM430-if00", "../../ttyACM0")
    link("dev/serial/by-id/usb-1a86_Serial-if00", "../../ttyUSB7")
    for number, vendor, name in ((3, "05e0", "Symbol Bar Code Scanner"), (4, "046d", "Office keyboard, fast typist")):
        write(f"sys/class/input/event{number}/device/id/vendor", vendor)
        write(f"sys/class/input/event{number}/device/id/product", "1200")
        write(f"sys/class/input/event{number}/device/name", name)
        link(f"dev/input/by-path/usb-0:{number}:1.0-event-kbd", f"../event{number}")
        link(f"dev/input/by-path/usbv2-0:{number}:1.0-event-kbd", f"../event{number}")
    return tmp_path


def test_scanners_are_found_and_keyboards_are_not(system: Path) -> None:
    found = attached(PROFILES, root=system)
    assert [(one.transport, one.device, one.profiles) for one in found] == [
        ("hid-pos", "/dev/hidraw0", ("honeywell-xenon-1900",)),
        ("serial", "/dev/serial/by-id/usb-1a86_Serial-if00", ()),
        ("serial", "/dev/serial/by-id/usb-Newland_FM430-if00", ("newland-fm430",)),
        ("hid-keyboard", "/dev/input/by-path/usb-0:3:1.0-event-kbd", ("zebra-ds2208", "zebra-ds9308", "zebra-ls2208")),
    ]
    assert found[0].name == "Honeywell Xenon"
    assert (found[2].vendor_id, found[2].product_id) == ("1eab", "1d06")


def test_a_pos_scanner_is_named_by_its_socket_where_the_udev_rules_are(system: Path) -> None:
    (system / "dev/storegate").mkdir()
    (system / "dev/storegate/usb-0:9:1.0-hidraw").symlink_to("../hidraw9")
    (system / "dev/storegate/usb-0:1:1.0-hidraw").symlink_to("../hidraw0")
    assert attached(PROFILES, root=system)[0].device == "/dev/storegate/usb-0:1:1.0-hidraw"


def test_an_empty_system_has_none(tmp_path: Path) -> None:
    assert attached(PROFILES, root=tmp_path) == ()


def test_matching() -> None:
    assert matching(PROFILES, "0c2e", "0907") == ("honeywell-xenon-1900",)
    assert matching(PROFILES, "ffff", "0000") == ()
