"""Input devices of the kernel (keyboards, HID scanners, key pairs): the one file that imports evdev.

Shared by the families: a wedge scanner and a pair of beams are both an input device opened by its path.
Times are of the kernel's monotonic clock, so that setting the wall clock tears no code and no passage apart.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, NamedTuple

from edge.checked import nearest
from edge.errors import DeviceError, MissingExtraError, UsageError

EVIOCSCLOCKID = 0x400445A0  # linux/input.h: _IOW('E', 0xa0, int)
CLOCK_MONOTONIC = 1
SYN_DROPPED = 3
UP, DOWN, REPEAT = 0, 1, 2
LOST = -1
"""`Key.code` of a gap: the kernel's queue ran over, so what was being read is incomplete."""


class Key(NamedTuple):
    time_s: float
    """CLOCK_MONOTONIC, seconds."""
    code: int
    """linux/input-event-codes.h, or LOST."""
    value: int
    """UP, DOWN or REPEAT."""


class Input(NamedTuple):
    """An open device."""

    path: str
    name: str
    """As the device calls itself."""
    keys: AsyncIterator[Key]
    """Raises DeviceError when the device is gone."""


@asynccontextmanager
async def opened(path: str, *, grab: bool) -> AsyncIterator[Input]:
    """A device by path (`/dev/input/by-path/…-event-kbd`); grabbed, nobody else hears its keys.

    Raises DeviceError when it is missing, not ours to read, or grabbed by someone else.
    """
    device = await asyncio.to_thread(_open, path, grab=grab)
    try:
        yield Input(path=path, name=device.name, keys=_keys(device))
    finally:
        device.close()


def key_code(name: str) -> int:
    """`KEY_1` → 2. Raises UsageError, with what was probably meant."""
    codes: dict[str, int] = _evdev().ecodes.ecodes
    code = codes.get(name)
    if code is None or not name.startswith(("KEY_", "BTN_")):
        near = nearest(name, [known for known in codes if known.startswith(("KEY_", "BTN_"))])
        raise UsageError(f"no key is called {name!r}", hint=f"did you mean {near}?" if near else "")
    return code


def _open(path: str, *, grab: bool) -> Any:
    library = _evdev()
    try:
        device = library.InputDevice(path)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        hint = "is it plugged in?" if gone else "may this user read it? see the udev rules"
        raise DeviceError(f"can't open {path}: {error.strerror or error}", hint=hint) from error
    try:
        fcntl.ioctl(device.fd, EVIOCSCLOCKID, struct.pack("i", CLOCK_MONOTONIC))
        if grab:
            device.grab()
    except OSError as error:
        device.close()
        hint = "another program grabbed it" if grab else ""
        raise DeviceError(f"can't use {path}: {error.strerror or error}", hint=hint) from error
    return device


async def _keys(device: Any) -> AsyncIterator[Key]:
    ecodes = _evdev().ecodes
    while True:
        try:
            events = list(await device.async_read())
        except BlockingIOError:  # woken for nothing
            continue
        except OSError as error:
            raise DeviceError(f"{device.path} is gone: {error.strerror or error}", hint="plug it in again") from error
        for event in events:
            if event.type == ecodes.EV_KEY:
                yield Key(event.timestamp(), event.code, event.value)
            elif event.type == ecodes.EV_SYN and event.code == SYN_DROPPED:
                yield Key(event.timestamp(), LOST, UP)


def _evdev() -> ModuleType:
    # imported on first use: a gateway without input devices never needs it
    try:
        import evdev  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("reading an input device", "hid") from error
    return evdev
