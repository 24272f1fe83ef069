"""A scanner on a path of /dev: read while it is there, told as lost when it is gone, read again when it is back."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from devices.driver import Submit
from devices.scanners.appear import appeared
from devices.scanners.classify import Classify
from devices.scanners.framing import Scan
from devices.scanners.outlet import Outlet, Refused, only_logged, outlet
from edge.clock import Clock
from edge.config import ScannerSection
from edge.errors import DeviceError

GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO, errno.ENOTDIR})
"""What a device says, to open or to read, when it is not (or no longer) plugged in."""
_PERMISSION_TRIES = 10
_PERMISSION_PAUSE_S = 0.3
"""A new node belongs to root until udev has looked at it; after three seconds it is a matter for a person."""
_SETTLE_S = 0.2
"""A dying node may still be there and refuse to open; it is asked again at this pace."""


class Source(Protocol):
    """What differs between serial, keyboard and HID POS."""

    @property
    def path(self) -> Path: ...

    def opened(self) -> AbstractAsyncContextManager[AsyncIterator[Scan]]:
        """Makes the device ours. Entering and reading raise OSError as the kernel gave it, or DeviceError."""


class AttachedScanner:
    """Driver of one scanner; `source` is its transport."""

    def __init__(
        self,
        section: ScannerSection,
        source: Source,
        *,
        classify: Classify,
        clock: Clock,
        refused: Refused = only_logged,
    ) -> None:
        self._section = section
        self._source = source
        self._classify = classify
        self._clock = clock
        self._refused = refused

    @property
    def name(self) -> str:
        return f"scanner {self._section.id}"

    async def run(self, submit: Submit) -> None:
        async with outlet(submit, section=self._section, clock=self._clock, refused=self._refused) as out:
            absence_told, denied = False, 0
            while True:
                try:
                    await self._read(out)
                    denied = 0
                    absence_told = True
                except FileNotFoundError:
                    if not absence_told:
                        out.lost(f"{self._source.path} is not there")
                        absence_told = True
                    await appeared(self._source.path)
                    await asyncio.sleep(_SETTLE_S)
                except PermissionError:
                    denied += 1
                    if denied > _PERMISSION_TRIES:
                        raise self._problem(errno.EACCES) from None
                    await asyncio.sleep(_PERMISSION_PAUSE_S)

    async def _read(self, out: Outlet) -> None:
        """Until it is unplugged. Raises FileNotFoundError or PermissionError where it can't be opened."""
        found = False
        try:
            async with self._source.opened() as scans:
                found = True
                out.found()
                async for scan in scans:
                    out.scanned(self._classify(scan.text, scan.aim))
        except PermissionError:
            raise
        except OSError as error:
            if error.errno not in GONE:
                raise self._problem(error.errno) from error
            if not found:
                raise FileNotFoundError(error.errno, error.strerror) from error
            out.lost(f"{self._source.path} was unplugged")

    def _problem(self, number: int | None) -> DeviceError:
        path = self._source.path
        if number == errno.EBUSY:
            hint = "another program reads it: stop that, or take the scanner out of gateway.toml"
            return DeviceError(f"{path} is in use", hint=hint)
        if number == errno.EACCES:
            hint = "install systemd/70-storegate-scanners.rules, and be in the group storegate"
            return DeviceError(f"no permission to read {path}", hint=hint)
        return DeviceError(f"{path}: {errno.errorcode.get(number or 0, 'unknown error')}")
