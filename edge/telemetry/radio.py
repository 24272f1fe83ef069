"""Beacons, zones and the radios that hear them."""

from __future__ import annotations

from edge.telemetry.base import Count, Kept, Share, Telemetry


class ZoneEntered(Telemetry, frozen=True, kw_only=True):
    """Something that carries a beacon came into a zone."""

    TYPE = "zone.entered.v1"
    KEPT = Kept.DIAGNOSTIC
    zone: str
    carried_by: str
    """staff | cart | phone"""
    beacon: str | None
    """None for a phone: that it is there is told, not which."""
    proximity: str
    """near | mid | far"""
    confidence: Share


class ZoneLeft(Telemetry, frozen=True, kw_only=True):
    """It left, or is heard no longer."""

    TYPE = "zone.left.v1"
    KEPT = Kept.DIAGNOSTIC
    zone: str
    carried_by: str
    beacon: str | None
    stayed_s: float
    reason: str
    """moved | silent | weak | stopped | restarted | forgotten"""


class PresenceCounted(Telemetry, frozen=True, kw_only=True):
    """Radio noise of strangers in one zone and interval, which ends at the event's time. Not a count of people."""

    TYPE = "presence.counted.v1"
    KEPT = Kept.DIAGNOSTIC
    radio: str
    zone: str
    interval_s: float
    presence_s: float
    """Sum over all sources of the time they were heard."""
    sources_low: Count
    """How many at once, on average."""
    sources_high: Count
    """Distinct addresses; a phone may have several in an interval."""
    adverts: Count
    overflowed: Count
    coverage: Share
    """Share of the interval in which the radio really listened."""
    coverage_basis: str
    """heartbeat | known | any | none: what coverage was told from; with none nothing is known."""


class BeaconHealth(Telemetry, frozen=True, kw_only=True):
    """A problem of one of the shop's beacons began (wrong) or ended."""

    TYPE = "beacon.health.v1"
    KEPT = Kept.DIAGNOSTIC
    beacon: str
    problem: str
    """cloned | replayed | moved | reprogrammed | weak | silent | battery_low"""
    wrong: bool
    radio: str
    rssi_dbm: float | None = None
    usual_rssi_dbm: float | None = None
    battery_percent: Count | None = None
    silent_s: float | None = None


class BeaconConfigured(Telemetry, frozen=True, kw_only=True):
    """Settings were written to a beacon and verified, or were not."""

    TYPE = "beacon.configured.v1"
    KEPT = Kept.DIAGNOSTIC
    beacon: str
    profile: str
    ok: bool
    step: str
    problem: str
    rolled_back: bool


class RadioRecovered(Telemetry, frozen=True, kw_only=True):
    """A step of a radio's recovery was taken."""

    TYPE = "radio.recovery.v1"
    KEPT = Kept.DIAGNOSTIC
    radio: str
    step: str
    """restart_scan | power_cycle | usb_reset | recovered"""
    reason: str
    attempt: Count


class RadioMeasured(Telemetry, frozen=True, kw_only=True):
    """How much of what known beacons say reaches the gateway."""

    TYPE = "radio.measured.v1"
    KEPT = Kept.DIAGNOSTIC
    radio: str
    expected_per_s: float
    heard_per_s: float
    dedup_suspected: bool
