"""HID POS scanners through /dev/hidraw*: one read is one report (linux/Documentation/hid/hidraw.rst)."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devices.scanners.descriptor import scans_of
from devices.scanners.framing import Scan
from devices.scanners.pos_reports import DEFAULT, PosReports, format_of

HIDIOCGRDESCSIZE = 0x80044801  # linux/hidraw.h: _IOR('H', 0x01, int)
HIDIOCGRDESC = 0x90044802  # _IOR('H', 0x02, struct hidraw_report_descriptor)
_MAX_DESCRIPTOR = 4096


class HidRaw:
    """A Source."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        return self._path

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[AsyncIterator[Scan]]:
        reports = PosReports(DEFAULT)

        def open_it() -> int:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            reports.use(format_of(report_descriptor(descriptor)))
            return descriptor

        async with scans_of(open_it, reports) as scans:
            yield scans


def report_descriptor(hidraw: int) -> bytes:
    """The device's report descriptor, or empty where the file is no hidraw node."""
    raw = bytearray(4 + _MAX_DESCRIPTOR)
    try:
        size = struct.unpack("i", fcntl.ioctl(hidraw, HIDIOCGRDESCSIZE, bytes(4)))[0]
        raw[:4] = struct.pack("I", size)
        fcntl.ioctl(hidraw, HIDIOCGRDESC, raw, True)  # noqa: FBT003 - ioctl takes it by position: write back
    except OSError:
        return b""
    return bytes(raw[4 : 4 + size])
