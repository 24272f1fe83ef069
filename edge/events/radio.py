"""What the air tells: beacons that come and go, how much of it was heard, how the shop's own beacons are."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from edge.events.base import Count, Event
from edge.ids import BeaconId, DeviceId, ZoneId


class Proximity(StrEnum):
    """By signal strength; metres would be a promise that radio can't keep."""

    NEAR = "near"
    MID = "mid"
    FAR = "far"


class ZoneEntered(Event, frozen=True, kw_only=True):
    """A carried beacon (staff, cart, a phone that opted in) is in a zone now; in any other it was before, no longer."""

    beacon: BeaconId
    zone: ZoneId
    proximity: Proximity
    confidence: Annotated[float, Meta(ge=0, le=1)]


class ZoneLeft(Event, frozen=True, kw_only=True):
    beacon: BeaconId
    zone: ZoneId
    reason: str
    """silent | weak | stopped (the listener ended) | forgotten (its document is gone)"""


class PresenceCounted(Event, frozen=True, kw_only=True):
    """Radio noise of strangers in one interval, which ends at `at`: no address, no person, a range."""

    radio: DeviceId
    zone: ZoneId
    interval_s: Annotated[float, Meta(gt=0)]
    covered_s: Annotated[float, Meta(ge=0)]
    """Seconds of the interval in which the radio really listened."""
    coverage_basis: str
    """heartbeat | known | any | none: what `covered_s` was told from."""
    presence_s: Annotated[float, Meta(ge=0)]
    """Sum over all sources of the time they were there."""
    sources_low: Count
    sources_high: Count
    """How many there were at once on average (presence by time) … distinct addresses: phones change theirs."""
    adverts: Count
    overflowed: Count = 0
    """Adverts of sources beyond the cap: counted, not told apart."""


class BeaconProblem(StrEnum):
    CLONED = "cloned"
    """Two radios say the same id at one time."""
    REPLAYED = "replayed"
    """An id of an epoch that is over: somebody plays a recording."""
    MOVED = "moved"
    REPROGRAMMED = "reprogrammed"
    """Its address says another id than its document."""
    WEAK = "weak"
    SILENT = "silent"
    BATTERY_LOW = "battery_low"


class BeaconHealthChanged(Event, frozen=True, kw_only=True):
    """One problem of one of the shop's beacons began or ended."""

    beacon: BeaconId
    problem: BeaconProblem
    wrong: bool
    """False: it is over."""
    radio: DeviceId
    rssi_dbm: float | None = None
    """Median of late."""
    usual_rssi_dbm: float | None = None
    battery_percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    silent_s: Annotated[float, Meta(ge=0)] | None = None


class BeaconConfigured(Event, frozen=True, kw_only=True):
    """Settings were written to a beacon and verified; or why not."""

    beacon: BeaconId
    profile: str
    ok: bool
    step: str = ""
    """Where it failed."""
    problem: str = ""
    rolled_back: bool = False


class RadioStep(StrEnum):
    """Of the recovery ladder, lowest first."""

    RESTART_SCAN = "restart_scan"
    POWER_CYCLE = "power_cycle"
    USB_RESET = "usb_reset"
    RECOVERED = "recovered"


class RadioChanged(Event, frozen=True, kw_only=True):
    """A step was taken to make a radio listen again, or it does again."""

    radio: DeviceId
    step: RadioStep
    reason: str
    """stalled | in_progress | powered_off | bus_lost | adapter_removed | error"""
    attempt: Count


class RadioMeasured(Event, frozen=True, kw_only=True):
    """How much of what known beacons say is reported, measured after a start of the scan."""

    radio: DeviceId
    expected_per_s: Annotated[float, Meta(ge=0)]
    heard_per_s: Annotated[float, Meta(ge=0)]
    dedup_suspected: bool
    """Fewer than a third: controller or kernel drop duplicates."""
