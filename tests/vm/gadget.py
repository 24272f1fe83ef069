"""USB scanners made by the kernel's own gadget driver, plugged into its virtual bus (dummy_hcd) and unplugged."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

CONFIGFS = Path("/sys/kernel/config")
GADGETS = CONFIGFS / "usb_gadget"
WAIT_S = 60
"""Emulation is some twenty times slower than a machine."""

KEYBOARD = bytes.fromhex("05010906a101050719e029e71500250175019508810295017508810395067508150025650507190029658100c0")
"""Boot keyboard: modifiers, a reserved byte, six keys."""


def load_modules() -> None:
    modules = ["dummy_hcd", "libcomposite", "usb_f_hid", "usbhid", "hid-generic", "evdev", "uinput"]
    subprocess.run(["modprobe", "-a", *modules], check=True)
    if not GADGETS.exists():
        subprocess.run(["mount", "-t", "configfs", "none", str(CONFIGFS)], check=True)


class Gadget:
    """A HID scanner. `plug` and `unplug` are what a hand does to its cable."""

    def __init__(
        self, *, vendor: int, product: int, name: str, descriptor: bytes, report_bytes: int, boot: bool
    ) -> None:
        self._folder = GADGETS / "scanner"
        folder = self._folder
        folder.mkdir()
        (folder / "idVendor").write_text(hex(vendor))
        (folder / "idProduct").write_text(hex(product))
        strings = folder / "strings" / "0x409"
        strings.mkdir()
        (strings / "manufacturer").write_text("Acme")
        (strings / "product").write_text(name)
        (strings / "serialnumber").write_text("0001")
        (folder / "configs" / "c.1").mkdir()
        hid = folder / "functions" / "hid.0"
        hid.mkdir()
        (hid / "protocol").write_text("1" if boot else "0")
        (hid / "subclass").write_text("1" if boot else "0")
        (hid / "report_length").write_text(str(report_bytes))
        (hid / "report_desc").write_bytes(descriptor)
        (folder / "configs" / "c.1" / "hid.0").symlink_to(hid)

    def plug(self) -> None:
        controller = next(Path("/sys/class/udc").iterdir()).name
        (self._folder / "UDC").write_text(controller)

    def unplug(self) -> None:
        (self._folder / "UDC").write_text("\n")

    def send(self, *reports: bytes) -> None:
        """As the scanner's firmware does; waits until the host asked for each."""
        device = os.open("/dev/hidg0", os.O_WRONLY)
        try:
            for report in reports:
                os.write(device, report)
        finally:
            os.close(device)

    def remove(self) -> None:
        folder = self._folder
        if (folder / "UDC").read_text().strip():
            self.unplug()
        (folder / "configs" / "c.1" / "hid.0").unlink()
        (folder / "configs" / "c.1").rmdir()
        (folder / "functions" / "hid.0").rmdir()
        (folder / "strings" / "0x409").rmdir()
        folder.rmdir()


def found(pattern: str, *, under: str = "/dev") -> Path:
    """The path that appears; fails after WAIT_S."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        for path in Path(under).glob(pattern):
            return path
        time.sleep(0.1)
    raise AssertionError(f"no {under}/{pattern}")


# HID usage of a key by its Linux code (hid-input.c turns it the other way)
_USAGES = {
    **dict(zip(range(2, 12), [30, 31, 32, 33, 34, 35, 36, 37, 38, 39], strict=True)),
    28: 40, 15: 43, 57: 44,
}  # fmt: skip


def key_reports(strokes: list[tuple[int, int]]) -> list[bytes]:
    """Digits, Enter, Tab and space as boot-keyboard reports."""
    return [bytes([0, 0, _USAGES[code] if value else 0, 0, 0, 0, 0, 0]) for code, value in strokes]
