"""Who passed a sensor."""

from __future__ import annotations

from edge.telemetry.base import Count, Kept, Share, Telemetry


class FootfallCounted(Telemetry, frozen=True, kw_only=True):
    """People through one zone's sensor in one interval, which ends at the event's time."""

    TYPE = "footfall.counted.v1"
    KEPT = Kept.COUNT
    zone: str
    device: str
    source: str
    interval_s: float
    entered: Count
    exited: Count
    occupancy: int
    """People inside by these counts; never below 0; 0 at the daily reset."""
    drift: Count = 0
    """Exits since the reset for which nobody had entered: what occupancy is off by, at least."""
    coverage: Share
    """Share of the interval the sensor saw."""
