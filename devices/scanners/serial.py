"""Serial scanners and USB ones that act as a serial port (CDC-ACM): a raw tty, 8N1, no flow control."""

from __future__ import annotations

import errno
import fcntl
import os
import termios
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from devices.scanners.descriptor import scans_of
from devices.scanners.framing import Framer, Framing, Scan
from edge.errors import DeviceError


class SerialPort:
    """A Source. `baud` matters to RS-232 only; CDC-ACM ignores it."""

    def __init__(self, path: Path, *, baud: int, framing: Framing) -> None:
        self._path = path
        self._baud = baud
        self._framing = framing

    @property
    def path(self) -> Path:
        return self._path

    def opened(self) -> AbstractAsyncContextManager[AsyncIterator[Scan]]:
        return scans_of(lambda: open_port(self._path, baud=self._baud), Framer(self._framing))


def open_port(path: Path, *, baud: int) -> int:
    """A raw, exclusive, non-blocking descriptor. May block. Raises OSError, or DeviceError for what is no serial
    port.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _make_raw(descriptor, _speed(baud))
        fcntl.ioctl(descriptor, termios.TIOCEXCL)
        termios.tcflush(descriptor, termios.TCIFLUSH)  # scans of before the start are nobody's
    except termios.error as error:
        os.close(descriptor)
        if error.args[0] == errno.ENOTTY:
            raise DeviceError(f"{path} is no serial port") from error
        raise OSError(*error.args) from error
    except (OSError, DeviceError):
        os.close(descriptor)
        raise
    return descriptor


def _speed(baud: int) -> int:
    try:
        return int(getattr(termios, f"B{baud}"))
    except AttributeError as error:
        usual = "1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200"
        raise DeviceError(f"baud = {baud} is no speed of a serial port", hint=f"usual: {usual}") from error


def _make_raw(descriptor: int, speed: int) -> None:
    """8N1, no echo, no translation: bytes as they are (termios(3), cfmakeraw)."""
    settings = termios.tcgetattr(descriptor)
    control = settings[6]
    control[termios.VMIN], control[termios.VTIME] = 1, 0
    local = termios.CS8 | termios.CREAD | termios.CLOCAL
    termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, local, 0, speed, speed, control])
