"""A second opinion: the one file that imports pyzbar (zbar).

It reads EAN-13 turned by 35 to 55°, where zxing-cpp does not.
"""

from __future__ import annotations

from typing import Any

from devices.scanners.decode import Formats, Gray, Read, printed

_NAMES = {
    "EAN13": ("EAN-13", "]E0"),
    "UPCA": ("UPC-A", "]E0"),
    "EAN8": ("EAN-8", "]E4"),
    "UPCE": ("UPC-E", "]E0"),
    "ISBN13": ("EAN-13", "]E0"),
    "CODE128": ("Code 128", "]C0"),
    "CODE39": ("Code 39", "]A0"),
    "CODE93": ("Code 93", "]G0"),
    "I25": ("ITF", "]I0"),
    "CODABAR": ("Codabar", "]F0"),
}
"""zbar's name → ours and the AIM identifier. Not taken of zbar: QR Code (it guesses the character set, and loses bytes)
and DataBar (its decoder asserts and prints on stderr)."""


def available() -> bool:
    """Whether pyzbar and the system's libzbar0 are here. The rest works without."""
    return _pyzbar() is not None


def second(gray: Gray, formats: Formats) -> tuple[Read, ...]:
    """Linear symbols that zbar sees; nothing when it is not installed."""
    pyzbar = _pyzbar()
    if pyzbar is None:
        return ()
    wanted = [kind for kind in pyzbar.ZBarSymbol if kind.name in _NAMES and _NAMES[kind.name][0] in formats.names]
    if not wanted:
        return ()
    return tuple(_read(one) for one in pyzbar.decode(gray, symbols=wanted))


def _pyzbar() -> Any:
    try:
        from pyzbar import pyzbar  # noqa: PLC0415 - optional: libzbar0 may be missing, and everything else still works
    except ImportError:
        return None
    return pyzbar


def _read(one: Any) -> Read:
    name, aim = _NAMES[one.type]
    text = one.data.decode("latin-1")
    if name == "UPC-E":
        text = text.zfill(8)
    name, text = printed(name, text)
    if name == "Code 128" and "\x1d" in text:
        aim = "]C1"
    corners = tuple((point.x, point.y) for point in one.polygon[:4])
    return Read(text, name, aim, corners)
