"""Waiting for a device's path, by inotify(7): no poll that would miss a fast replug or wake a sleeping box."""

from __future__ import annotations

import asyncio
import ctypes
import os
from pathlib import Path

from edge.errors import DeviceError

_IN_ATTRIB = 0x0004  # udev sets the group after it made the node
_IN_MOVED_TO = 0x0080
_IN_CREATE = 0x0100
_IN_DELETE_SELF = 0x0400
_MASK = _IN_ATTRIB | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE_SELF
_RECHECK_S = 5.0
"""Looks again without an event this often: a link's target may appear in a folder that is not watched."""


async def appeared(path: Path) -> None:
    """Returns when the path leads to something. Raises DeviceError where the kernel has no watch left."""
    loop = asyncio.get_running_loop()
    while True:
        watch = await asyncio.to_thread(_watch, path)
        try:
            # Only now: what appeared before the watch was set is seen here, what comes later wakes us.
            if await asyncio.to_thread(path.exists):
                return
            woken = asyncio.Event()
            loop.add_reader(watch, woken.set)
            try:
                await asyncio.wait_for(woken.wait(), _RECHECK_S)
            except TimeoutError:
                pass
            finally:
                loop.remove_reader(watch)
        finally:
            os.close(watch)


def _watch(path: Path) -> int:
    """An inotify descriptor on the nearest folder above `path` that exists (`/dev/serial` comes and goes with its
    devices).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if watch < 0:
        raise DeviceError(f"can't watch for {path}: {os.strerror(ctypes.get_errno())}")
    for folder in path.absolute().parents:
        if libc.inotify_add_watch(watch, os.fsencode(folder), _MASK) >= 0:
            return int(watch)
    os.close(watch)
    raise DeviceError(f"can't watch for {path}: no folder above it can be read")
