"""The gateway itself."""

from __future__ import annotations

from edge.events.base import Count, Event
from edge.ids import DeviceId


class GatewayStarted(Event, frozen=True, kw_only=True):
    version: str


class TimePassed(Event, frozen=True, kw_only=True):
    """Once a second or so: reservations and coupons run out, occupancy resets."""


class ClockAdjusted(Event, frozen=True, kw_only=True):
    """The wall clock was set: earlier times of this boot were off by `delta_ms`."""

    delta_ms: int


class ServiceFailed(Event, frozen=True, kw_only=True):
    """A root task ended and will be started again."""

    service: str
    problem: str
    retry_in_s: float


class DeviceFound(Event, frozen=True, kw_only=True):
    device: DeviceId
    kind: str


class DeviceLost(Event, frozen=True, kw_only=True):
    device: DeviceId
    kind: str
    problem: str


class DocumentsChanged(Event, frozen=True, kw_only=True):
    kind: str
    count: Count
    sha256: str
    by: str
    """cli | admin | cloud"""


class CatalogueChanged(Event, frozen=True, kw_only=True):
    products: Count
    sha256: str
    priced_at_ms: int
    by: str


class CommandDone(Event, frozen=True, kw_only=True):
    """A command of the cloud was carried out (or refused); its answer is kept so that a repeat gets the same one."""

    command_id: str
    name: str
    answer: bytes
    """JSON, as it went to the response topic."""
    ok: bool


class RowsUnsendable(Event, frozen=True, kw_only=True):
    """Rows of the outbox that fit into no packet of this broker; they are forgotten once this is on disk."""

    kept: str
    """Of edge.telemetry.Kept: what kind of rows."""
    ranges: tuple[tuple[int, int], ...]
    """Sequence numbers, both ends included."""
    limit_bytes: Count
