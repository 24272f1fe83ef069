"""Codes out of a file descriptor: what serial ports and hidraw nodes share."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from devices.scanners.framing import Scan

READ_BYTES = 4096
"""More than any report and than a tty's buffer gives at once."""


class Assembly(Protocol):
    """Pure: chunks as they were read → codes."""

    def feed(self, data: bytes, *, at_ms: int) -> list[Scan]: ...

    def idle(self, *, at_ms: int) -> list[Scan]:
        """What silence completes or drops."""

    @property
    def waits_ms(self) -> int | None:
        """Milliseconds of silence after which `idle` has something to do; None: nothing waits."""


@asynccontextmanager
async def scans_of(open_it: Callable[[], int], assembly: Assembly) -> AsyncIterator[AsyncIterator[Scan]]:
    """Opens in a thread (a serial port may take its time), gives the codes, closes."""
    opening = asyncio.ensure_future(asyncio.to_thread(open_it))
    try:
        descriptor = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)  # the thread can't be stopped: what it opens must not stay open
        raise
    try:
        yield _scans(descriptor, assembly)
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _close_late(opening: asyncio.Future[int]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


async def _scans(descriptor: int, assembly: Assembly) -> AsyncIterator[Scan]:
    """Until the device is gone: then OSError."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        while True:
            waits_ms = assembly.waits_ms
            try:
                async with asyncio.timeout(None if waits_ms is None else waits_ms / 1000):
                    await ready.wait()
            except TimeoutError:
                found = assembly.idle(at_ms=_now_ms(loop))
            else:
                ready.clear()
                found = _read(descriptor, assembly, at_ms=_now_ms(loop))
            for scan in found:
                yield scan
    finally:
        loop.remove_reader(descriptor)


def _read(descriptor: int, assembly: Assembly, *, at_ms: int) -> list[Scan]:
    try:
        data = os.read(descriptor, READ_BYTES)
    except BlockingIOError:
        return []
    if not data:  # hung up: the other end is gone
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    return assembly.feed(data, at_ms=at_ms)


def _now_ms(loop: asyncio.AbstractEventLoop) -> int:
    return int(loop.time() * 1000)
