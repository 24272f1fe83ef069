"""What the cloud is told: one struct a type. The wire format, the JSON Schemas and docs/asyncapi.yaml come from here.

Additive inside `.vN`; new meaning is a new version. No MAC address, phone number, payment code, coupon
token or shopper's words is in any of them. Times of an event are in its CloudEvents envelope.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Kept(StrEnum):
    """What may happen to a row that waits while the outbox is full."""

    LEDGER = "ledger"
    """Never evicted: the event behind it is refused instead."""
    COUNT = "count"
    """Folded into hours: sums stay exact."""
    DIAGNOSTIC = "diagnostic"
    """Goes first, and is recorded as lost."""


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """`data` of a CloudEvent. `TYPE` without the `storegate.` in front."""

    TYPE: ClassVar[str]
    KEPT: ClassVar[Kept] = Kept.LEDGER


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


class CodeScanned(Telemetry, frozen=True, kw_only=True):
    """Something was scanned. Tokens and payment codes are told by kind only."""

    TYPE = "code.scanned.v1"
    device: str
    station: str | None
    transport: str
    kind: str
    gtin: str | None = None
    item: str | None = None
    price_fen: int | None = None
    weight_g: int | None = None
    votes: int = 1


class ProductSearched(Telemetry, frozen=True, kw_only=True):
    """A search on a kiosk that was looked at; its words stay in the shop."""

    TYPE = "kiosk.searched.v1"
    KEPT = Kept.DIAGNOSTIC
    station: str
    letters: Count
    hits: Count
    took_ms: float


class ProductViewed(Telemetry, frozen=True, kw_only=True):
    """A product page was shown."""

    TYPE = "product.viewed.v1"
    KEPT = Kept.DIAGNOSTIC
    station: str
    gtin: str
    via: str


class KioskVisited(Telemetry, frozen=True, kw_only=True):
    """A shopper's visit at a kiosk ended."""

    TYPE = "kiosk.visited.v1"
    KEPT = Kept.DIAGNOSTIC
    station: str
    reason: str
    visit_s: float
    views: Count


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


class GrantReceived(Telemetry, frozen=True, kw_only=True):
    """The right to issue arrived in the ledger."""

    TYPE = "grant.received.v1"
    grant_id: str
    campaign: str
    units: Count
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""


class CouponIssued(Telemetry, frozen=True, kw_only=True):
    """A unit moved available → outstanding."""

    TYPE = "coupon.issued.v1"
    campaign: str
    serial: str
    via: str
    station: str | None
    valid_from_ms: int
    valid_to_ms: int
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""


class CouponRedeemed(Telemetry, frozen=True, kw_only=True):
    """A unit moved outstanding → redeemed; or another shop's coupon was honoured inside the offline budget."""

    TYPE = "coupon.redeemed.v1"
    campaign: str
    serial: str
    till: str
    value_fen: Count
    issued_here: bool
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""


class CouponEnded(Telemetry, frozen=True, kw_only=True):
    """A unit moved outstanding → expired or voided."""

    TYPE = "coupon.ended.v1"
    campaign: str
    serial: str
    how: str
    """expired | voided"""
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""
    reason: str = ""


class CouponRefused(Telemetry, frozen=True, kw_only=True):
    """A till or a shopper was told no, and why."""

    TYPE = "coupon.refused.v1"
    KEPT = Kept.DIAGNOSTIC
    campaign: str
    reason: str
    station: str | None


def all_types() -> tuple[type[Telemetry], ...]:
    """Every payload type, in the order of this file."""
    return tuple(Telemetry.__subclasses__())
