"""A serial line to a module on a USB adapter or the board's UART: 8N1, raw, through the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from devices.beacons.link import LinkError, LinkProblem, TextLine

READ_BYTES = 4096


@asynccontextmanager
async def serial_line(path: Path, *, baud: int) -> AsyncIterator[TextLine]:
    """Raises LinkError."""
    try:
        descriptor = await asyncio.to_thread(_open, path, baud)
    except OSError as error:
        raise LinkError(LinkProblem.NOT_FOUND, f"can't open {path}: {error.strerror}") from error
    try:
        yield SerialLine(descriptor)
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)


class SerialLine:
    """A TextLine."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def send(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await self._ready(loop.add_writer, loop.remove_writer)
            except OSError as error:
                raise LinkError(LinkProblem.LOST, f"the line is gone: {error.strerror}") from error

    async def receive(self, *, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    with contextlib.suppress(BlockingIOError):
                        return self._read()
                    loop = asyncio.get_running_loop()
                    await self._ready(loop.add_reader, loop.remove_reader)
        except TimeoutError:
            raise LinkError(LinkProblem.TIMEOUT, "no answer on the line") from None

    def _read(self) -> bytes:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            raise
        except OSError as error:
            raise LinkError(LinkProblem.LOST, f"the line is gone: {error.strerror}") from error
        if not data:
            raise LinkError(LinkProblem.LOST, "the line is gone")
        return data

    async def _ready(self, add: Callable[[int, Callable[[], None]], None], remove: Callable[[int], bool]) -> None:
        ready = asyncio.Event()
        add(self._descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            remove(self._descriptor)


def _open(path: Path, baud: int) -> int:
    """Raises OSError."""
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise OSError(errno.EINVAL, f"{baud} is no speed of a serial line")
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        control = termios.tcgetattr(descriptor)[6]
        control[termios.VMIN], control[termios.VTIME] = 1, 0
        local = termios.CS8 | termios.CREAD | termios.CLOCAL
        termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, local, 0, speed, speed, control])
        termios.tcflush(descriptor, termios.TCIOFLUSH)
    except termios.error as error:
        os.close(descriptor)
        raise OSError(errno.ENOTTY, "it is no serial line") from error
    return descriptor
