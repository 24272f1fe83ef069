"""Values that tests start from: a moment, a clock moved by hand, a stamp."""

from __future__ import annotations

from edge.clock import Clock, ClockState, Stamp

NOON_MS = 1_795_000_000_000
"""A moment in November 2026 that tests call now."""


class HandClock:
    """A clock moved by hand: `clock.wall_ms += 1000`."""

    def __init__(self, wall_ms: int = NOON_MS) -> None:
        self.wall_ms = wall_ms
        self.mono_ms = 1_000_000
        self.synced = True
        self.clock = Clock(
            wall_s=lambda: self.wall_ms / 1000,
            monotonic_s=lambda: self.mono_ms / 1000,
            synced=lambda: self.synced,
            boot_id="boot0",
        )

    def forward(self, ms: int) -> None:
        self.wall_ms += ms
        self.mono_ms += ms


def stamp(at_ms: int = NOON_MS, *, state: ClockState = ClockState.SYNCED) -> Stamp:
    return Stamp(at_ms=at_ms, monotonic_ms=at_ms - NOON_MS + 1_000_000, boot_id="boot0", state=state)
