"""udev rules out of the profiles: who may read a scanner, and that ModemManager leaves it alone. Pure but for `main`.

`python -m devices.scanners.udev > systemd/70-storegate-scanners.rules`; a test holds the file to it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from devices import profiles
from devices.scanners.profile import FAMILY, ScannerProfile

_HEAD = """\
# Scanners belong to the group storegate. Made from firmware_profiles/scanners by `python -m devices.scanners.udev`.
# A scanner of another vendor: copy the lines of one and change the number (lsusb shows it); it then needs no profile.
#
# hidraw: HID POS; /dev/storegate/ names it by its socket, as its number may change when the cable is pulled.
# input: keyboard wedge. tty: serial. ID_MM_DEVICE_IGNORE: ModemManager would write AT commands to it.

ACTION=="remove", GOTO="storegate_scanners_end"
"""
_VENDOR = """
# {names}
SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{vendor}", ENV{{ID_MM_DEVICE_IGNORE}}="1"
SUBSYSTEM=="hidraw", ATTRS{{idVendor}}=="{vendor}", GROUP="storegate", MODE="0660", IMPORT{{builtin}}="path_id"
SUBSYSTEM=="hidraw", ATTRS{{idVendor}}=="{vendor}", ENV{{ID_PATH}}=="?*", SYMLINK+="storegate/$env{{ID_PATH}}-hidraw"
SUBSYSTEM=="input", KERNEL=="event*", ATTRS{{idVendor}}=="{vendor}", GROUP="storegate", MODE="0660"
SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vendor}", GROUP="storegate", MODE="0660", ENV{{ID_MM_DEVICE_IGNORE}}="1"
"""
_TAIL = """
LABEL="storegate_scanners_end"
"""


def rules(scanners: Iterable[ScannerProfile]) -> str:
    """One block a USB vendor: product numbers change with the interface that was scanned, the vendor's does not."""
    vendors: dict[str, set[str]] = {}
    for scanner in scanners:
        for usb in scanner.usb:
            vendors.setdefault(usb.vendor_id, set()).add(scanner.vendor)
    blocks = (_VENDOR.format(names=", ".join(sorted(vendors[number])), vendor=number) for number in sorted(vendors))
    return _HEAD + "".join(blocks) + _TAIL


def main() -> None:
    sys.stdout.write(rules(profiles.all_of(FAMILY, ScannerProfile).values()))


if __name__ == "__main__":
    main()
