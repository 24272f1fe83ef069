"""Every fact the gateway acts on. Past tense, frozen, units in names, valid at birth.

A driver, a page or the cloud makes one; `edge.store.handle` decides what it means. No payment code, MAC
address or phone number is ever a field of one: those are refused or hashed before an event is made.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.clock import Stamp
from edge.ids import CampaignId, DeviceId, Gtin, Serial, StationId, ZoneId

Count = Annotated[int, Meta(ge=0)]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that happened at `at`."""

    at: Stamp


# --- the gateway itself -------------------------------------------------------------------------------


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


# --- scanners -----------------------------------------------------------------------------------------


class Transport(StrEnum):
    SERIAL = "serial"
    HID_KEYBOARD = "hid-keyboard"
    HID_POS = "hid-pos"
    CAMERA = "camera"
    FAKE = "fake"


class CodeKind(StrEnum):
    GTIN = "gtin"
    EMBEDDED = "embedded"
    """Made in the shop: item plus price or weight."""
    GS1 = "gs1"
    """A GS1 element string or Digital Link."""
    COUPON = "coupon"
    MEMBER = "member"
    CART = "cart"
    PICKUP = "pickup"
    PAYMENT = "payment"
    """WeChat Pay or Alipay: `value` is empty, for ever."""
    UNKNOWN = "unknown"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What a scanned text means. Made by `devices.scanners.classify`, nowhere else."""

    kind: CodeKind
    value: str = ""
    """GTIN-14 for goods, the token for ours, the text for unknown (at most 512 characters), empty for payment."""
    gtin: Gtin | None = None
    aim: str = ""
    """AIM symbology identifier, `]E0`; empty where the scanner does not tell."""
    item: str = ""
    """Item number of an embedded code."""
    price_fen: int | None = None
    weight_g: int | None = None
    batch: str = ""
    expires: str = ""
    """GS1 AI (17), `YYYY-MM-DD`."""


class CodeScanned(Event, frozen=True, kw_only=True):
    device: DeviceId
    transport: Transport
    code: Code
    station: StationId | None = None
    votes: Annotated[int, Meta(ge=1)] = 1
    """Equal reads behind it (cameras)."""


# --- kiosks -------------------------------------------------------------------------------------------


class ProductSearched(Event, frozen=True, kw_only=True):
    """A search that was looked at, not each keystroke. The words stay on the box."""

    station: StationId
    letters: Count
    hits: Count
    took_ms: float


class ProductViewed(Event, frozen=True, kw_only=True):
    station: StationId
    gtin: Gtin
    via: str
    """scan | search | alternative"""


class KioskReset(Event, frozen=True, kw_only=True):
    """One shopper's visit ended; nothing of it is left."""

    station: StationId
    reason: str
    """idle | finish | reload"""
    visit_s: float
    views: Count


# --- footfall -----------------------------------------------------------------------------------------


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


# --- coupons ------------------------------------------------------------------------------------------


class GrantReceived(Event, frozen=True, kw_only=True):
    """The cloud gave this gateway the right to issue `units` of a campaign; its signature was checked."""

    grant_id: str
    campaign: CampaignId
    units: Annotated[int, Meta(gt=0)]
    value_cap_fen: Count
    not_after_ms: int
    seq: Count


class CouponAsked(Event, frozen=True, kw_only=True):
    """Somebody wants a coupon. `serial` is fresh and random; it is used only if the answer is yes."""

    request_key: str
    """The same key gets the same answer for ever."""
    campaign: CampaignId
    serial: Serial
    holder: str = ""
    """Hash of wallet or member; empty: bearer."""
    via: str = "wallet"
    """wallet | kiosk | cli | shake | command"""
    station: StationId | None = None


class ReserveAsked(Event, frozen=True, kw_only=True):
    """A till wants to use a coupon; its token was read and its signature checked."""

    key: str
    """`{till}/{receipt}/{line}`"""
    serial: Serial
    campaign: CampaignId
    till: StationId
    holder: str = ""
    """Hash of the member at the till, or empty."""
    issued_here: bool = True
    from_ms: int = 0
    """What a token of another shop says of its own validity; ours are known by their row."""
    to_ms: int = 0
    value_fen: Count = 0
    """What the till expects it to take off: held against the budget until the commit."""


class CommitAsked(Event, frozen=True, kw_only=True):
    key: str
    till: StationId
    value_fen: Count = 0
    """What the coupon took off the receipt, as the till priced it."""


class ReleaseAsked(Event, frozen=True, kw_only=True):
    key: str
    till: StationId


class VoidAsked(Event, frozen=True, kw_only=True):
    """By the cloud or a person: one serial, or all that is outstanding of a campaign."""

    campaign: CampaignId
    serial: Serial | None = None
    reason: str = ""
    by: str = "cloud"
