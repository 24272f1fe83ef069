"""The gateway itself."""

from __future__ import annotations

import msgspec

from edge.telemetry.base import Count, Kept, Telemetry


class GatewayStarted(Telemetry, frozen=True, kw_only=True):
    """The daemon came up."""

    TYPE = "gateway.started.v1"
    version: str


class JournalReplaced(Telemetry, frozen=True, kw_only=True):
    """The journal could not be read and a new epoch began, or its newest events are gone and the epoch goes on.

    What the old epoch had not sent yet is lost. Where the epoch goes on, a `records.lost.v1` names the numbers.
    """

    TYPE = "journal.replaced.v1"
    old_epoch: str
    """Empty where even that could not be read; the event's own epoch where only the newest events are gone."""
    kept_as: str
    """Name of the file that was put aside, for a person who wants to try."""
    problem: str


class Range(msgspec.Struct, frozen=True, array_like=True):
    """Sequence numbers, both ends included."""

    first: int
    last: int


class RecordsLost(Telemetry, frozen=True, kw_only=True):
    """Rows that left the outbox unsent. produced = received + recorded here, exactly, by (epoch, sequence)."""

    TYPE = "records.lost.v1"
    kept: Kept
    reason: str
    """outbox_full | folded (the sums went on in a new row) | too_big (for any packet of the broker) |
    damaged (gone from a broken disk; the cloud may have some)"""
    count: Count
    """Rows of this kind and reason. Not the size of `ranges`: see there."""
    ranges: list[Range]
    """All lost, but some perhaps for another record's reason: neighbours are joined, so that a month offline stays
    small. A diagnostic may have been received as well. So readers take the union of all ranges, minus what they have.
    """


class ClockAdjusted(Telemetry, frozen=True, kw_only=True):
    """Times of this `bootid` before this event may be corrected by adding `delta_ms`."""

    TYPE = "clock.adjusted.v1"
    delta_ms: int


class ServiceFailed(Telemetry, frozen=True, kw_only=True):
    """A part of the daemon stopped and was started again."""

    TYPE = "service.failed.v1"
    KEPT = Kept.DIAGNOSTIC
    service: str
    problem: str
    retry_in_s: float


class DeviceFound(Telemetry, frozen=True, kw_only=True):
    """A device appeared or came back."""

    TYPE = "device.found.v1"
    KEPT = Kept.DIAGNOSTIC
    device: str
    kind: str


class DeviceLost(Telemetry, frozen=True, kw_only=True):
    """A device went away: unplugged, broken, or silent."""

    TYPE = "device.lost.v1"
    KEPT = Kept.DIAGNOSTIC
    device: str
    kind: str
    problem: str


class DocumentsChanged(Telemetry, frozen=True, kw_only=True):
    """A set of documents was replaced."""

    TYPE = "documents.changed.v1"
    kind: str
    count: Count
    sha256: str
    by: str


class CatalogueChanged(Telemetry, frozen=True, kw_only=True):
    """Kiosks look products up in a new catalogue."""

    TYPE = "catalogue.changed.v1"
    products: Count
    sha256: str
    priced_at_ms: int
    by: str


class CommandDone(Telemetry, frozen=True, kw_only=True):
    """A command was carried out or refused; the answer itself went to the response topic."""

    TYPE = "command.done.v1"
    command_id: str
    name: str
    ok: bool
