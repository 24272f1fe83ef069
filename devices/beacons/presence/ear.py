"""One radio: what it hears of strangers in an interval, how much it listened, whether all is reported. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devices.beacons.presence.coverage import MEASURE_S, Coverage, Listened, Sample, measured
from devices.beacons.presence.noise import Counts, Noise
from devices.beacons.presence.track import Track
from edge.clock import Stamp
from edge.config import RadioSection
from edge.events import PresenceCounted, RadioMeasured
from edge.ids import DeviceId, ZoneId

MEASURE_AGAIN_S = 3600.0
"""Scans begin often (a beacon is configured); what was found right is not measured each time."""


class Ear:
    def __init__(self, section: RadioSection, now: Stamp, random: Callable[[int], bytes]) -> None:
        now_s = now.monotonic_ms / 1000
        self.section = section
        self.coverage = Coverage(now_s)
        self.noise = Noise(random, at_s=now_s, gaps=self.coverage.gaps)
        self.dedup_suspected = False
        self._scan_s: float | None = None
        """The scan began then and was not measured yet."""
        self._measured_s = now_s - MEASURE_AGAIN_S
        self._begin(now)

    def started(self, at_s: float, tracks: Iterable[Track]) -> None:
        """Its scan began."""
        if not self.dedup_suspected and at_s - self._measured_s < MEASURE_AGAIN_S:
            return
        self._scan_s = at_s
        for track in tracks:
            if (hearing := track.hearings.get(self.section.adapter)) is not None:
                hearing.before = hearing.window.heard

    def measure(self, now: Stamp, tracks: Iterable[Track]) -> RadioMeasured | None:
        """A while after the scan began: is all reported that is said? None: too early, or no beacon near enough."""
        now_s = now.monotonic_ms / 1000
        if self._scan_s is None or now_s - self._scan_s < MEASURE_S:
            return None
        seconds, self._scan_s = now_s - self._scan_s, None
        samples = [
            Sample(track.interval_s, hearing.window.heard - hearing.before, hearing.last_dbm)
            for track in tracks
            if (hearing := track.hearings.get(self.section.adapter)) is not None
        ]
        found = measured(samples, seconds)
        if found is None:
            return None
        self._measured_s, self.dedup_suspected = now_s, found.dedup_suspected
        return RadioMeasured(at=now, radio=DeviceId(self.section.adapter), **found._asdict())

    def due(self, now: Stamp) -> PresenceCounted | None:
        """The interval, once it is over; a new one has begun then."""
        return self.end(now) if now.at_ms >= self._ends_ms else None

    def end(self, now: Stamp) -> PresenceCounted | None:
        """The interval as it is. None when it has no length, or the radio no zone to count for."""
        now_s = now.monotonic_ms / 1000
        interval_s = now_s - self._from_s
        counts, listened = self.noise.take(now_s), self.coverage.take()
        self._begin(now)
        if interval_s <= 0 or not self.section.zone:
            return None
        covered_s = min(listened.covered_s, interval_s)
        at_once = round(counts.presence_s / covered_s) if covered_s else 0
        return PresenceCounted(
            at=now,
            radio=DeviceId(self.section.adapter),
            zone=ZoneId(self.section.zone),
            interval_s=round(interval_s, 3),
            covered_s=round(covered_s, 3),
            coverage_basis=listened.basis,
            presence_s=round(counts.presence_s, 1),
            sources_low=min(at_once, counts.sources),
            sources_high=counts.sources,
            adverts=counts.adverts,
            overflowed=counts.overflowed,
        )

    def put_back(self, event: PresenceCounted) -> None:
        """The journal refused it: it becomes part of the interval that is open now."""
        self._from_s -= event.interval_s
        self.coverage.put_back(Listened(event.covered_s, event.coverage_basis))
        self.noise.put_back(Counts(event.presence_s, event.sources_high, event.adverts, event.overflowed))

    def _begin(self, now: Stamp) -> None:
        step_ms = self.section.interval_s * 1000
        self._from_s = now.monotonic_ms / 1000
        self._ends_ms = (now.at_ms // step_ms + 1) * step_ms
