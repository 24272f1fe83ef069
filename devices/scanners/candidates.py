"""What is plugged in that may be a scanner: read from /dev and sysfs, opened by nobody.

A keyboard is listed only where a profile knows its vendor, never because of its name or its typing; a hidraw node
only where its report descriptor has the point-of-sale page; every USB serial port is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from devices.scanners.pos_reports import is_pos_scanner
from devices.scanners.profile import ScannerProfile, Wire

_MAX_UP = 8
"""Folders between a tty and the USB device that carries it."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    transport: Wire
    device: str
    """The path for gateway.toml: stable over a replug into the same socket where the system has such a name."""
    name: str
    vendor_id: str
    product_id: str
    profiles: tuple[str, ...]
    """Best match first; several where the vendor gives one number to many models."""


def attached(profiles: Mapping[str, ScannerProfile], *, root: Path = Path("/")) -> tuple[Candidate, ...]:
    """Best transport first. `root` is another folder in tests."""
    return (*_pos(profiles, root), *_serial(profiles, root), *_wedges(profiles, root))


def _pos(profiles: Mapping[str, ScannerProfile], root: Path) -> Iterator[Candidate]:
    for node in sorted((root / "sys/class/hidraw").glob("hidraw*")):
        try:
            descriptor = (node / "device/report_descriptor").read_bytes()
            event = (node / "device/uevent").read_text("utf-8", "replace")
        except OSError:
            continue  # unplugged while we looked
        if is_pos_scanner(descriptor):
            facts = dict(line.split("=", 1) for line in event.splitlines() if "=" in line)
            _, _, ids = facts.get("HID_ID", "").lower().partition(":")  # 0003:00000C2E:00000907
            vendor, _, product = ids.partition(":")
            name = facts.get("HID_NAME", "")
            yield _candidate("hid-pos", _lasting_name(root, node.name), name, vendor, product, profiles)


def _lasting_name(root: Path, hidraw: str) -> str:
    """The name by socket that our udev rules give; the bare number where they are not installed."""
    for link in sorted((root / "dev/storegate").glob("*-hidraw")):
        if link.readlink().name == hidraw:
            return f"/dev/storegate/{link.name}"
    return f"/dev/{hidraw}"


def _serial(profiles: Mapping[str, ScannerProfile], root: Path) -> Iterator[Candidate]:
    for link in sorted((root / "dev/serial/by-id").glob("*")):
        vendor, product = _usb_above(root / "sys/class/tty" / link.readlink().name / "device")
        yield _candidate("serial", f"/dev/serial/by-id/{link.name}", link.name, vendor, product, profiles)


def _wedges(profiles: Mapping[str, ScannerProfile], root: Path) -> Iterator[Candidate]:
    vendors = {usb.vendor_id for profile in profiles.values() for usb in profile.usb}
    seen: set[str] = set()
    for link in sorted((root / "dev/input/by-path").glob("*-event-kbd")):
        node = link.readlink().name
        device = root / "sys/class/input" / node / "device"
        vendor = _text(device / "id/vendor")
        if vendor in vendors and node not in seen:  # udev gives a second name, `usbv2`, to the same socket
            seen.add(node)
            name, product = _text(device / "name"), _text(device / "id/product")
            yield _candidate("hid-keyboard", f"/dev/input/by-path/{link.name}", name, vendor, product, profiles)


def _candidate(
    transport: Wire, device: str, name: str, vendor: str, product: str, profiles: Mapping[str, ScannerProfile]
) -> Candidate:
    vendor, product = vendor[-4:], product[-4:]
    return Candidate(
        transport=transport,
        device=device,
        name=name,
        vendor_id=vendor,
        product_id=product,
        profiles=matching(profiles, vendor, product),
    )


def matching(profiles: Mapping[str, ScannerProfile], vendor: str, product: str) -> tuple[str, ...]:
    """Profiles with this USB number: those that have it alone first."""
    found = [
        (usb.shared, name)
        for name, profile in profiles.items()
        for usb in profile.usb
        if (usb.vendor_id, usb.product_id) == (vendor, product)
    ]
    return tuple(name for _, name in sorted(found))


def _usb_above(device: Path) -> tuple[str, str]:
    """The numbers of the USB device that a sysfs folder belongs to; empty where there is none."""
    folder = device.resolve()
    for _ in range(_MAX_UP):
        if (folder / "idVendor").exists():
            return _text(folder / "idVendor"), _text(folder / "idProduct")
        folder = folder.parent
    return "", ""


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip().lower()
    except OSError:
        return ""
