"""Messages to the bus, no faster than the socket takes them: dbus-fast closes its bus when that is full."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import struct
import termios
from collections import deque
from typing import Any

FULL_BYTES = 96 * 1024
"""Of the kernel's 208 KiB: a message is counted larger than it is."""
STEP_S = 0.002


class Paced:
    """In front of one dbus-fast MessageBus, which says too little of itself."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self._waiting: deque[Any] = deque()
        self._flusher: asyncio.Task[None] | None = None

    def send(self, message: Any) -> None:
        """In order; later when the reader is slow."""
        self._waiting.append(message)
        if self._flusher is None and not self._flush():
            self._flusher = asyncio.create_task(self._later())

    @property
    def full(self) -> bool:
        """Wait before anything is sent past us."""
        return bool(self._waiting) or (self._bus.connected and self._bus._writer.buf is not None)  # noqa: SLF001

    def _flush(self) -> bool:
        while self._waiting and self._bus.connected:
            writer = self._bus._writer  # noqa: SLF001
            if writer.buf is not None or writer.messages:  # half of a large one is out
                return False
            if struct.unpack("i", fcntl.ioctl(self._bus._sock, termios.TIOCOUTQ, bytes(4)))[0] > FULL_BYTES:  # noqa: SLF001
                return False
            self._bus.send(self._waiting.popleft()).add_done_callback(_read)
        return True

    async def _later(self) -> None:
        with contextlib.suppress(OSError):  # the bus ended in between
            while not self._flush():  # noqa: ASYNC110 - the socket tells nobody
                await asyncio.sleep(STEP_S)
        self._flusher = None


def _read(sent: asyncio.Future[Any]) -> None:
    if not sent.cancelled():
        sent.exception()
