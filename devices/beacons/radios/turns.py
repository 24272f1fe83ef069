"""Whose turn a radio is: the daemon's, which scans, or `storegate beacon …`, which configures one beacon.

Two locked files an adapter, so that a process that dies gives its turn back: `radio-hci0.lock` is held by whoever
uses the radio; `radio-hci0.wanted` by who configures, from when it wants to until it is done. The daemon looks at
that about once a second, and ends its scan while somebody holds it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.errors import DeviceError

POLL_S = 0.1
PAUSE_S = 15.0
"""The daemon ends its scan in a second or two."""


class Turns:
    """Of one adapter."""

    def __init__(self, state_dir: Path, adapter: str) -> None:
        self.adapter = adapter
        self._folder = state_dir
        self._wanted = state_dir / f"radio-{adapter}.wanted"
        self._used = state_dir / f"radio-{adapter}.lock"

    @asynccontextmanager
    async def scanning(self) -> AsyncIterator[Look]:
        """The daemon's side: waits for its turn; the look says when somebody else wants it. Raises DeviceError."""
        wanted = await asyncio.to_thread(_opened, self._wanted)
        try:
            used = await asyncio.to_thread(_opened, self._used)
            try:
                look = Look(wanted)
                while look.somebody_wants_it() or not _locked(used, fcntl.LOCK_SH):  # noqa: ASYNC110 - a file
                    await asyncio.sleep(POLL_S)
                yield look
            finally:
                os.close(used)
        finally:
            os.close(wanted)

    @asynccontextmanager
    async def configuring(self, *, timeout_s: float = PAUSE_S) -> AsyncIterator[None]:
        """The command's side: others that configure are waited for, then the daemon's pause. Raises DeviceError."""
        if not await asyncio.to_thread(self._folder.is_dir):  # there never was a daemon here
            yield
            return
        wanted = await asyncio.to_thread(_opened, self._wanted)
        try:
            hint = "another `storegate beacon …` runs: wait for it, or end it"
            await self._taken(wanted, timeout_s, f"{self.adapter} is being used to configure a beacon", hint)
            used = await asyncio.to_thread(_opened, self._used)
            try:
                hint = "see `storegate status`; stop the daemon: sudo systemctl stop storegate"
                await self._taken(used, timeout_s, f"the daemon does not pause its scan on {self.adapter}", hint)
                yield
            finally:
                os.close(used)
        finally:
            os.close(wanted)

    async def _taken(self, descriptor: int, timeout_s: float, problem: str, hint: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not _locked(descriptor, fcntl.LOCK_EX):  # noqa: ASYNC110 - another process's
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise DeviceError(problem, hint=hint) from error


class Look:
    """At whether somebody wants the radio."""

    def __init__(self, wanted: int) -> None:
        self._descriptor = wanted

    def somebody_wants_it(self) -> bool:
        if not _locked(self._descriptor, fcntl.LOCK_SH):
            return True
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return False


def _opened(path: Path) -> int:
    """For reading, so that it does not matter which user made it."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        hint = "gateway.state_dir must be a folder that the daemon may write"
        raise DeviceError(f"can't use {path}: {error.strerror}", hint=hint) from error


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
