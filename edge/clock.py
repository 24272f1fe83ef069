"""Time that a shop can rely on without a battery-backed clock.

A Raspberry Pi boots in the past. So the wall clock here is the larger of the system's and of a high-water
mark that the journal keeps; it never runs backwards; and every stamp says how far it can be trusted.
Durations are always measured on the monotonic clock.
"""

from __future__ import annotations

import ctypes
import functools
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

BUILT_MS = 1_790_000_000_000
"""No release is older than this (2026-09-21): a system clock before it is surely unset."""
STA_UNSYNC = 0x0040  # adjtimex(2)
MAX_STEP_MS = 2_000
"""A wall clock that moves this much against the monotonic one was set by somebody."""


SYNCED_FOR_MS = 1_000


class ClockState(StrEnum):
    UNSET = "unset"
    """The system clock is behind what we know to be past: `at_ms` only orders, it does not date."""
    HOLDOVER = "holdover"
    """Plausible, but not disciplined by NTP now."""
    SYNCED = "synced"


class Stamp(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """When something happened, and how sure we are."""

    at_ms: int
    """UTC, milliseconds since 1970; never smaller than an earlier stamp's."""
    monotonic_ms: int
    """Milliseconds since boot: exact for durations inside one `boot_id`."""
    boot_id: str
    state: ClockState

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)


class Clock:
    """Makes stamps. One a process; drivers and web handlers get it passed in."""

    def __init__(
        self,
        *,
        wall_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
        synced: Callable[[], bool] | None = None,
        boot_id: str | None = None,
        floor_ms: int = BUILT_MS,
    ) -> None:
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._synced = synced or kernel_synced
        self.boot_id = boot_id or read_boot_id()
        self._floor_ms = floor_ms
        self._floor_at_ms = int(monotonic_s() * 1000)
        self._state: ClockState | None = None
        self._jump_ms = 0
        self._synced_at_ms: int | None = None
        self._is_synced = False

    def raise_floor(self, at_ms: int) -> None:
        """Tells a time that is surely past: the journal's newest row, the cloud's time."""
        mono_ms = int(self._monotonic_s() * 1000)
        if at_ms > self._now_at_least(mono_ms):
            self._floor_ms, self._floor_at_ms = at_ms, mono_ms

    def now(self) -> Stamp:
        mono_ms = int(self._monotonic_s() * 1000)
        wall_ms = int(self._wall_s() * 1000)
        least = self._now_at_least(mono_ms)
        if wall_ms < least - MAX_STEP_MS:
            state, at_ms = ClockState.UNSET, least
        else:
            state = ClockState.SYNCED if self._synced_lately(mono_ms) else ClockState.HOLDOVER
            at_ms = max(wall_ms, self._floor_ms)
            self._floor_ms, self._floor_at_ms = at_ms, mono_ms
        self._note_jump(state, wall_ms - least)
        return Stamp(at_ms=at_ms, monotonic_ms=mono_ms, boot_id=self.boot_id, state=state)

    def adjusted_ms(self) -> int | None:
        """By how much stamps jumped, or turned out to be ahead, since the last call; None where they did not.

        Earlier stamps of this boot may be corrected by adding it. Slow correction by NTP is not told.
        """
        jump_ms, self._jump_ms = self._jump_ms, 0
        return jump_ms or None

    def _note_jump(self, state: ClockState, moved_ms: int) -> None:
        """The first stamp has nothing before it; a clock that stays behind is told once."""
        before, self._state = self._state, state
        if before is None or abs(moved_ms) <= MAX_STEP_MS:
            return
        if state is not ClockState.UNSET or before is not ClockState.UNSET:
            self._jump_ms += moved_ms
            self._synced_at_ms = None

    def _synced_lately(self, mono_ms: int) -> bool:
        """The kernel's answer, asked once a second: a stamp is made for each scan and each web request."""
        if self._synced_at_ms is None or mono_ms - self._synced_at_ms >= SYNCED_FOR_MS:
            self._is_synced, self._synced_at_ms = self._synced(), mono_ms
        return self._is_synced

    def _now_at_least(self, mono_ms: int) -> int:
        return self._floor_ms + max(0, mono_ms - self._floor_at_ms)


def read_boot_id() -> str:
    """The kernel's random id of this boot (proc(5)), shortened; `unknown` where there is none."""
    try:  # proc(5) never waits, so this may run inside the event loop; O_NONBLOCK says so
        handle = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "unknown"
    try:
        return os.read(handle, 64).decode("ascii").strip().replace("-", "")[:12]
    finally:
        os.close(handle)


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_synced() -> bool:
    """Whether some NTP client disciplines the kernel's clock (adjtimex(2), any client sets it)."""
    timex = _Timex()
    try:
        return _libc().adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & STA_UNSYNC
    except (OSError, AttributeError):
        return False


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
