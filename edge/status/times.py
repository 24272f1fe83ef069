"""Ages of what was noticed."""

from __future__ import annotations

from edge.clock import Stamp


def age_s(then: Stamp, now: Stamp) -> float:
    """Seconds between two stamps: exact within one boot, else by the wall clock."""
    if then.boot_id == now.boot_id:
        return max(0.0, (now.monotonic_ms - then.monotonic_ms) / 1000)
    return max(0.0, (now.at_ms - then.at_ms) / 1000)
