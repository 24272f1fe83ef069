"""Who passed a sensor."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from edge.events.base import Count, Event
from edge.ids import DeviceId, ZoneId


class FootfallCounted(Event, frozen=True, kw_only=True):
    """What one sensor saw in one interval. `at` is the interval's end."""

    device: DeviceId
    zone: ZoneId
    source: str
    """strip | beam | fake"""
    interval_s: Annotated[float, Meta(gt=0)]
    covered_s: Annotated[float, Meta(ge=0)]
    """Seconds of the interval in which the sensor really saw."""
    entered: Count
    exited: Count
