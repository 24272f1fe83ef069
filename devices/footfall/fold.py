"""Crossings and the time a sensor really saw → one FootfallCounted an interval. Pure: stamps come in.

Intervals end on round wall-clock times (quarters of an hour) and are measured on the monotonic clock. A sensor
that saw nothing says so: zero people with zero coverage is another fact than zero people.
"""

from __future__ import annotations

from edge.clock import Stamp
from edge.config import FootfallSection
from edge.events import FootfallCounted
from edge.ids import DeviceId, ZoneId

SOURCES = {"camera": "strip", "beam": "beam", "fake": "fake"}
"""How a section's `source` is called in the event: by method."""


class Fold:
    """One sensor's open interval."""

    def __init__(self, section: FootfallSection, *, start: Stamp) -> None:
        self._section = section
        self._begin(start)
        self.entered = self.exited = 0
        self.covered_s = 0.0
        self._seen_to_s = 0.0

    def seen(self, from_s: float, to_s: float) -> None:
        """The sensor saw all of this time (monotonic, seconds). What was told before does not count twice."""
        from_s = max(from_s, self._from_s, self._seen_to_s)
        if to_s > from_s:
            self.covered_s += to_s - from_s
            self._seen_to_s = to_s

    def crossed(self, *, entering: bool) -> None:
        if entering:
            self.entered += 1
        else:
            self.exited += 1

    def due(self, now: Stamp) -> FootfallCounted | None:
        """The interval, once it is over; a new one has begun then."""
        return self.end(now) if now.at_ms >= self._ends_ms else None

    def end(self, now: Stamp) -> FootfallCounted | None:
        """The interval as it is, ended early: the daemon stops. None when it has no length."""
        interval_s = now.monotonic_ms / 1000 - self._from_s
        if interval_s <= 0:
            return None
        event = FootfallCounted(
            at=now,
            device=DeviceId(self._section.id),
            zone=ZoneId(self._section.zone),
            source=SOURCES[self._section.source],
            interval_s=round(interval_s, 3),
            covered_s=round(min(self.covered_s, interval_s), 3),
            entered=self.entered,
            exited=self.exited,
        )
        self._begin(now)
        self.entered = self.exited = 0
        self.covered_s = 0.0
        return event

    def put_back(self, event: FootfallCounted) -> None:
        """The journal refused it: its people and its time go into the interval that is open now."""
        self._from_s -= event.interval_s
        self.covered_s += event.covered_s
        self.entered += event.entered
        self.exited += event.exited

    def _begin(self, now: Stamp) -> None:
        step_ms = self._section.interval_s * 1000
        self._from_s = now.monotonic_ms / 1000
        self._ends_ms = (now.at_ms // step_ms + 1) * step_ms
