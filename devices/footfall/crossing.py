"""One person over the line. Pure, and without numpy: the daemon reads it, the camera's process makes it."""

from __future__ import annotations

from typing import NamedTuple


class Crossing(NamedTuple):
    """One person who went over both strips."""

    time_s: float
    place: float
    """Share of the strip, 0 to 1."""
    forward: bool
    """From the near strip to the far one: towards larger x (or y)."""
